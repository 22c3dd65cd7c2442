package petrichor

// Numbers as text: what strconv does, at half the price and for our grammar
// only.  Whatever is unusual is left to strconv.
//
// Digits are read and written eight at a time, as the bytes of one uint64.
//
// Floats go both ways by scaling: x * 2^e * 10^p as an integer with two more
// bits, one worth a half and one that says whether anything nonzero follows.
// Those two are all that rounding to nearest asks for.  The power of ten comes
// from a table, in 128 bits; that these are enough for every x that comes up is
// proven in TestNumberTablesDecideEverything.  Reading scales once, writing three
// times: the float and the ends of the interval that rounds to it.  The method
// is from Russ Cox, "Floating-Point Printing and Parsing Can Be Simple And Fast"
// (research.swtch.com/fp), January 2026.

import (
	"encoding/binary"
	"math"
	"math/bits"
)

//go:generate go run ./internal/pow10

// ---- Digits ------------------------------------------------------------------

const zeros8 = 0x3030303030303030 // "00000000"

// readEight returns the number that eight digits spell, the first in the lowest
// byte of v.
func readEight(v uint64) (n uint64, ok bool) {
	v ^= zeros8
	if (v|(v+0x7676767676767676))&0x8080808080808080 != 0 {
		return 0, false
	}
	v = v*10 + v>>8 // bytes 0, 2, 4 and 6 now hold a pair of digits each
	const pairs = 0x000000ff000000ff
	v = v&pairs*(1e6<<32+1e2) + v>>16&pairs*(1e4<<32+1)
	return v >> 32, true
}

// readFew returns the number that p, one to seven digits, spells.  They are put
// together from two parts that may overlap, with zeros in front.
func readFew(p []byte) (n uint64, ok bool) {
	var v uint64
	switch size := uint(len(p)); {
	case size == 1:
		return uint64(p[0] - '0'), isDigit(p[0])
	case size < 4:
		v = uint64(binary.LittleEndian.Uint16(p)) | uint64(binary.LittleEndian.Uint16(p[size-2:]))<<(8*(size-2)&63)
	default:
		v = uint64(binary.LittleEndian.Uint32(p)) | uint64(binary.LittleEndian.Uint32(p[size-4:]))<<(8*(size-4)&63)
	}
	bits := 8 * uint(len(p)) & 63
	return readEight(v<<(64-bits) | zeros8>>bits)
}

// writeEight returns the eight digits of n < 1e8, the first in the lowest byte.
// Multiplications divide: by 100 what is below 10000, by 10 what is below 100.
func writeEight(n uint64) uint64 {
	n = n/10000 | n%10000<<32
	q := n * 10486 >> 20 & 0x0000007f0000007f
	n = q | (n-q*100)<<16
	q = n * 103 >> 10 & 0x000f000f000f000f
	n = q | (n-q*10)<<8
	return n | zeros8
}

// readDigits reads the digits at p[at:], as many as there are, as if they
// followed those of n, and returns where they end.  n may overflow.
//
// The last few at the end of p are read as the end of the last eight bytes of
// p, those before them made zeros.
func readDigits(p []byte, at int, n uint64) (uint64, int) {
	for len(p)-at >= 8 {
		eight, ok := readEight(binary.LittleEndian.Uint64(p[at:]))
		if !ok {
			break
		}
		n, at = n*1e8+eight, at+8
	}
	if rest := uint(len(p) - at); rest-1 < 7 && len(p) >= 8 {
		others := ^uint64(0) >> (8 * rest & 63)
		last := binary.LittleEndian.Uint64(p[len(p)-8:])
		if eight, ok := readEight(last&^others | zeros8&others); ok {
			return n*smallPowers[rest] + eight, len(p)
		}
	}
	if rest := len(p) - at; uint(rest-1) < 7 {
		if few, ok := readFew(p[at:]); ok {
			return n*smallPowers[rest] + few, len(p)
		}
	}
	for ; at < len(p) && isDigit(p[at]); at++ {
		n = n*10 + uint64(p[at]-'0')
	}
	return n, at
}

var smallPowers = [9]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8}

// maxDigits is how many digits a uint64 has at most, and maxRoom what putDigits
// may write to for them.
const (
	maxDigits = 20
	maxRoom   = 24
)

// putDigits writes n in front of b[at:] and returns where it begins.
func putDigits(b []byte, at int, n uint64) int {
	for n >= 1e8 {
		binary.LittleEndian.PutUint64(b[at-8:at], writeEight(n%1e8))
		at -= 8
		n /= 1e8
	}
	if n < 10 {
		b[at-1] = '0' + byte(n)
		return at - 1
	}
	v := writeEight(n)
	binary.LittleEndian.PutUint64(b[at-8:at], v)
	return at - 8 + bits.TrailingZeros64(v&^zeros8|1<<56)/8
}

// ---- Integers ----------------------------------------------------------------

// numberRoom is room for any int or bool, and nearly any float, as a whole
// element, and for what wide stores write in front of it.
const numberRoom = 64

// putInt writes the int of the given magnitude as an element in front of b[at:] and
// returns where it begins.
func putInt(b []byte, at int, magnitude uint64, negative bool) int {
	if magnitude < 10 && !negative {
		binary.LittleEndian.PutUint32(b[at-4:at], '1'|':'<<8|uint32('0'+magnitude)<<16|uint32(KindInt)<<24)
		return at - 4
	}
	b[at-1] = byte(KindInt)
	from := putDigits(b, at-1, magnitude)
	if negative {
		from--
		b[from] = '-'
	}
	return putShortSize(b, from, at-1-from)
}

// putBool writes v as an element in front of b[at:] and returns where it begins.
func putBool(b []byte, at int, v bool) int {
	b = b[at-8 : at]
	if v {
		binary.LittleEndian.PutUint64(b, '4'<<8|':'<<16|'t'<<24|'r'<<32|'u'<<40|'e'<<48|'!'<<56)
		return at - len("4:true!")
	}
	binary.LittleEndian.PutUint64(b, '5'|':'<<8|'f'<<16|'a'<<24|'l'<<32|'s'<<40|'e'<<48|'!'<<56)
	return at - len("5:false!")
}

// intElement, uintElement and boolElement write a value as an element.
func (w *back) intElement(n int64) {
	w.reserve(numberRoom)
	magnitude := uint64(n)
	if n < 0 {
		magnitude = -magnitude
	}
	w.at = putInt(w.buf, w.at, magnitude, n < 0)
}

func (w *back) uintElement(n uint64) {
	w.reserve(numberRoom)
	w.at = putInt(w.buf, w.at, n, false)
}

func (w *back) boolElement(v bool) {
	w.reserve(numberRoom)
	w.at = putBool(w.buf, w.at, v)
}

// uint writes the digits of n.
func (w *back) uint(n uint64) {
	w.reserve(maxRoom)
	w.at = putDigits(w.buf, w.at, n)
}

// parseUint64 reads an integer in its one spelling: no sign, no leading zero.
func parseUint64(p []byte) (n uint64, ok bool) {
	switch {
	case len(p) == 0 || p[0] == '0' && len(p) > 1:
		return 0, false
	case len(p) < 8:
		return readFew(p)
	case len(p) < maxDigits:
		return readMany(p)
	case len(p) > maxDigits:
		return 0, false
	}
	n, ok = readMany(p[:maxDigits-1])
	last := uint64(p[maxDigits-1] - '0')
	return n*10 + last, ok && last <= 9 && n <= (math.MaxUint64-last)/10
}

// readMany returns the number that p, 8 to 19 digits, spells.  The last ones are
// read with some before them, made zeros.
func readMany(p []byte) (n uint64, ok bool) {
	n, ok = readEight(binary.LittleEndian.Uint64(p))
	rest := uint(len(p)) - 8
	if rest > 8 {
		middle, also := readEight(binary.LittleEndian.Uint64(p[8:]))
		n, ok, rest = n*1e8+middle, ok && also, rest-8
	}
	others := ^uint64(0) >> (8 * rest)
	last, also := readEight(binary.LittleEndian.Uint64(p[len(p)-8:])&^others | zeros8&others)
	return n*smallPowers[rest] + last, ok && also
}

// parseInt64 reads an integer in its one spelling: 0 or -?[1-9][0-9]*.
func parseInt64(p []byte) (n int64, ok bool) {
	if len(p) == 0 || p[0] != '-' {
		u, ok := parseUint64(p)
		return int64(u), ok && u <= math.MaxInt64
	}
	u, ok := parseUint64(p[1:])
	return -int64(u), ok && u-1 <= math.MaxInt64
}

// ---- Scaling -----------------------------------------------------------------

// A powerOfTen is hi<<64 - lo: 10^p as 128 bits, rounded up.  hi alone is rounded
// up too.
type powerOfTen struct{ hi, lo uint64 }

// An unrounded is a number >= 0 times four, cut to an integer; its lowest bit is
// also set when anything nonzero has been cut off.
type unrounded uint64

func (u unrounded) floor() uint64 { return uint64(u) >> 2 }
func (u unrounded) ceil() uint64  { return uint64(u+3) >> 2 }

// nearest rounds halves to even.
func (u unrounded) nearest() uint64 { return uint64(u+1+u>>2&1) >> 2 }

// half returns u/2.
func (u unrounded) half() unrounded { return u>>1 | u&1 }

// A scaler multiplies by 10^p * 2^e.
type scaler struct {
	powerOfTen
	shift uint
}

func newScaler(p, e int) scaler {
	shift := -3 - e - log2PowerOfTen(p)
	return scaler{powersOfTen[p-leastPower], uint(min(shift, 63))}
}

// times returns the product with x, which must be below 2^62.  x has its highest
// bit set or is a multiple of 512.
//
// The product with hi is at most x too large.  If it has a bit set below those
// that are kept, that cannot matter to them, and something is cut off.  Else
// the product with lo, to be subtracted, says whether it was exact.
func (s scaler) times(x uint64) unrounded {
	top, low := bits.Mul64(x, s.hi)
	if top&(1<<(s.shift&63)-1) == 0 {
		correction, _ := bits.Mul64(x, s.lo)
		if low-correction <= 1 {
			return unrounded(top >> (s.shift & 63))
		}
		if low < correction {
			top--
		}
	}
	return unrounded(top>>(s.shift&63) | 1)
}

// These are rounded down, for every p and e that come up.
func log2PowerOfTen(p int) int          { return p * 108853 >> 15 }
func log10PowerOfTwo(e int) int         { return e * 78913 >> 18 }
func log10ThreeQuarterPowers(e int) int { return (e*631305 - 261663) >> 21 }

// ---- Floats ------------------------------------------------------------------

// A floatFormat is one of the two: significand bits, the exponent of its smallest
// number, and the bits of its infinity.
type floatFormat struct {
	width, least int
	infinity     uint64
}

var (
	format64 = floatFormat{53, -1074, 0x7ff << 52}
	format32 = floatFormat{24, -149, 0xff << 23}
)

// parseFloat64 reads a number of JSON's grammar (RFC 8259, section 6), rounded
// to nearest.  It reports false for anything else, for numbers that overflow,
// and for a few that it cannot decide: strconv can.
func parseFloat64(p []byte) (f float64, ok bool) {
	d, ok := cutDecimal(p)
	if !ok {
		return 0, false
	}
	b, ok := nearest(d.digits, d.exponent, &format64)
	if d.more {
		ok = ok && d.isBelow(b, &format64)
	}
	if d.negative {
		b |= 1 << 63
	}
	return math.Float64frombits(b), ok
}

// parseFloat32 is parseFloat64, rounded to a float32.
func parseFloat32(p []byte) (f float32, ok bool) {
	d, ok := cutDecimal(p)
	if !ok {
		return 0, false
	}
	b, ok := nearest(d.digits, d.exponent, &format32)
	if d.more {
		ok = ok && d.isBelow(b, &format32)
	}
	if d.negative {
		b |= 1 << 31
	}
	return math.Float32frombits(uint32(b)), ok
}

// A decimal is a number as it is spelled: digits * 10^exponent, and a bit more,
// less than one unit of digits, when more is set.
type decimal struct {
	digits   uint64
	exponent int
	negative bool
	more     bool
}

// cutDecimal reports false for what is no number and for far exponents.
func cutDecimal(p []byte) (d decimal, ok bool) {
	at := skipSign(p, false)
	d.negative = at > 0
	from := at
	for ; at < len(p) && isDigit(p[at]); at++ {
		d.digits = d.digits*10 + uint64(p[at]-'0')
	}
	count := at - from
	if count == 0 {
		return d, false
	}
	if p[from] == '0' {
		count--
		if count > 0 {
			return d, false
		}
	}
	if at < len(p) && p[at] == '.' {
		point := at + 1
		d.digits, at = readDigits(p, point, d.digits)
		if at == point {
			return d, false
		}
		d.exponent = point - at
		count += at - point
	}
	if count >= maxDigits {
		var dropped int
		d.digits, dropped, d.more = firstDigits(p[from:at])
		d.exponent += dropped
	}
	if at == len(p) {
		return d, true
	}
	exponent, ok := cutExponent(p[at:])
	d.exponent += exponent
	return d, ok
}

// cutExponent reads an e and an exponent of few digits, the whole of p.
func cutExponent(p []byte) (exponent int, ok bool) {
	if p[0]|0x20 != 'e' {
		return 0, false
	}
	from := 1 + skipSign(p[1:], true)
	n, end := readDigits(p, from, 0)
	exponent = int(n)
	if p[from-1] == '-' {
		exponent = -exponent
	}
	return exponent, end == len(p) && from < end && end-from <= 4
}

// firstDigits returns the first nineteen digits that count of p, which is more
// digits and at most one point, how many follow them, and whether any of those
// is not zero.
func firstDigits(p []byte) (n uint64, dropped int, more bool) {
	room := maxDigits - 1
	for _, c := range p {
		switch {
		case c == '.':
		case room > 0:
			n = n*10 + uint64(c-'0')
			if n > 0 {
				room--
			}
		default:
			dropped++
			more = more || c != '0'
		}
	}
	return n, dropped, more
}

// isBelow reports whether the number next to d above, which d has not reached,
// is b too.
func (d decimal) isBelow(b uint64, format *floatFormat) bool {
	above, ok := nearest(d.digits+1, d.exponent, format)
	return ok && above == b
}

// nearest returns the bits of the number of a format that is nearest to n * 10^p,
// and false if that is beyond the numbers or p beyond the table.
//
// The result is an integer times 2^e, e chosen such that the integer has as many
// bits as a significand, or one more, or too few because the number is small.
// The bit that all significands begin with is stored as one more in the exponent.
func nearest(n uint64, p int, format *floatFormat) (b uint64, ok bool) {
	if n == 0 {
		return 0, true
	}
	if p < leastPower || p > greatestPower {
		return 0, false
	}
	zeros := bits.LeadingZeros64(n)
	e := max(64-zeros+log2PowerOfTen(p)-format.width, format.least)
	u := newScaler(p, -e-zeros).times(n << (zeros & 63))
	if u>>2>>(format.width&63) > 0 {
		u = u.half()
		e++
	}
	b = uint64(e-format.least)<<((format.width-1)&63) + u.nearest()
	return b, b < format.infinity
}

// floatElement writes f, which is finite, as an element.
//
// Its payload is the shortest digits that read back as f among float64s, or with
// 32 for bits among float32s.  There is always a point, and no exponent below
// 1e21: every reader of floats takes that, and some take nothing else.
func (w *back) floatElement(f float64, bits int) {
	digits, p := uint64(0), 0
	if f != 0 {
		digits, p = shortestOf(f, bits)
	}
	if p < 0 && p > -maxDigits {
		w.reserve(numberRoom)
		w.at = putDecimal(w.buf, w.at, digits, -p, math.Signbit(f))
		return
	}
	mark := w.begin(KindFloat)
	switch {
	case math.Abs(f) >= 1e21:
		w.exponential(digits, p)
	case p >= 0:
		w.string(".0")
		w.zeros(p)
		w.uint(digits)
	default:
		w.small(digits, -p)
	}
	if math.Signbit(f) {
		w.byte('-')
	}
	w.end(mark)
}

// putDecimal writes digits / 10^n, where 0 < n < 20, as an element in front of
// b[at:] and returns where it begins.
func putDecimal(b []byte, at int, digits uint64, n int, negative bool) int {
	b[at-1] = byte(KindFloat)
	from := putFraction(b, at-1, digits, n)
	if negative {
		from--
		b[from] = '-'
	}
	return putShortSize(b, from, at-1-from)
}

// putFraction writes digits, with a point in front of the last n <= 20 of them,
// in front of b[at:] and returns where that begins.
//
// Digits are written without the point first, with zeros up to it.  Those before
// it, mostly few, then move one to the front.
func putFraction(b []byte, at int, digits uint64, n int) int {
	from, point := putDigits(b, at, digits), at-n
	for from >= point {
		from--
		b[from] = '0'
	}
	if point-from <= 8 {
		before := b[point-9 : point]
		binary.LittleEndian.PutUint64(before, binary.LittleEndian.Uint64(before[1:]))
	} else {
		copy(b[from-1:], b[from:point])
	}
	b[point-1] = '.'
	return from - 1
}

// small writes digits * 10^-n, which is far below one.
func (w *back) small(digits uint64, n int) {
	mark := w.len()
	w.uint(digits)
	w.zeros(n - (w.len() - mark))
	w.string("0.")
}

// exponential writes digits * 10^p as d.ddde+dd.
func (w *back) exponential(digits uint64, p int) {
	n := 0 // behind the first
	for d := digits; d > 9; d /= 10 {
		n++
	}
	w.uint(uint64(p + n))
	w.string("e+")
	if n == 0 {
		digits, n = digits*10, 1
	}
	w.reserve(numberRoom)
	w.at = putFraction(w.buf, w.at, digits, n)
}

// zeros writes n zeros.
func (w *back) zeros(n int) {
	for b := w.room(n); len(b) > 0; b = b[1:] {
		b[0] = '0'
	}
}

// shortestOf returns the shortest decimal that reads back as |f|.
func shortestOf(f float64, bits int) (digits uint64, p int) {
	format, b := &format64, math.Float64bits(f)&^(1<<63)
	if bits == 32 {
		format, b = &format32, uint64(math.Float32bits(float32(f))&^(1<<31))
	}
	hidden := uint64(1) << (format.width - 1)
	m, e := b&(hidden-1), int(b>>(format.width-1))
	if e > 0 {
		m, e = m|hidden, e-1
	}
	return shortest(m, e+format.least, m == hidden && e > 0)
}

// shortest returns the decimal of fewest digits, and of those the nearest, that
// rounds to m * 2^e.  Those that do lie within half of 2^e above and below it,
// inclusive when m is even; when m is a power of two (uneven), within a quarter
// below.
//
// In units of 10^-p, the largest power that is no larger than that interval, there are
// one to ten integers in it.  If one of them ends in a zero, it is the shortest.
func shortest(m uint64, e int, uneven bool) (digits uint64, p int) {
	p = -log10PowerOfTwo(e)
	x, below := m<<11, uint64(1<<10)
	if uneven {
		p, below = -log10ThreeQuarterPowers(e), 1<<9
	}
	s, odd := newScaler(p, e-11), unrounded(m&1)
	low := (s.times(x-below) + odd).ceil()
	high := (s.times(x+1<<10) - odd).floor()
	if tens := high / 10; tens*10 >= low {
		return trimZeros(tens, 1-p)
	}
	if low == high {
		return low, -p
	}
	return s.times(x).nearest(), -p
}

// trimZeros returns n * 10^p with no zero at the end of n.
func trimZeros(n uint64, p int) (uint64, int) {
	for n%1e4 == 0 {
		n, p = n/1e4, p+4
	}
	for n%10 == 0 {
		n, p = n/10, p+1
	}
	return n, p
}
