package petrichor

import (
	"math"
	"testing"
	"time"
)

// Own number code gives what strconv gives, or leaves the decision to it; and
// own time code what time gives.
func FuzzOwnNumbers(f *testing.F) {
	for i, s := range append(hardNumbers, "-", "+1", "00", "1.", ".5", "1e", "0x10", "1_0", "NaN", "2024-02-29T01:02:03.45Z", "2024-02-29T01:02:03-04:05") {
		f.Add([]byte(s), uint64(i)<<52+uint64(i))
	}
	f.Fuzz(func(t *testing.T, text []byte, bits uint64) {
		noError(t, checkNumber(text))
		noError(t, checkTimeText(text))
		var w back
		noError(t, checkWrittenInt(&w, int64(bits)))
		if f := math.Float64frombits(bits); f-f == 0 {
			noError(t, checkFloat(&w, f))
		}
		noError(t, checkTime(&w, time.Unix(int64(bits>>20), int64(bits%1e9)).UTC()))
	})
}
