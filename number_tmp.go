package petrichor

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"time"
)

func parseInt64(p []byte) (int64, bool) {
	if len(p) == 0 || wrongInt(p, false) >= 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(p), 10, 64)
	return n, err == nil
}
func parseUint64(p []byte) (uint64, bool) {
	if len(p) == 0 || wrongInt(p, false) >= 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p), 10, 64)
	return n, err == nil
}
func parseFloat64(p []byte) (float64, bool) {
	if wrongFloat(p, false) >= 0 {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(p), 64)
	return n, err == nil
}
func (w *back) int(n int64)                     { var d [20]byte; w.put(strconv.AppendInt(d[:0], n, 10)) }
func (w *back) uint(n uint64)                   { var d [20]byte; w.put(strconv.AppendUint(d[:0], n, 10)) }
func (w *back) float(f float64, bits int)       { var d [400]byte; w.put(appendFloat(d[:0], f, bits)) }
func (w *back) time(t time.Time) bool           { return false }
func parseTime(p []byte) (t time.Time, ok bool) { return }
func appendFloat(dst []byte, f float64, bits int) []byte {
	start, format := len(dst), byte('f')
	if math.Abs(f) >= 1e21 {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if bytes.IndexByte(dst[start:], '.') >= 0 {
		return dst
	}
	if e := bytes.IndexByte(dst[start:], 'e'); e >= 0 {
		return slices.Insert(dst, start+e, '.', '0')
	}
	return append(dst, ".0"...)
}
