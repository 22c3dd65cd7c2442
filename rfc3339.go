package petrichor

// Times as text: what time.Time's MarshalText and UnmarshalText do, for the
// forms that everybody writes.  Whatever is unusual is left to them.

import (
	"encoding/binary"
	"math/bits"
	"time"
)

const (
	dateAndTime = "2006-01-02T15:04:05"
	numericZone = "-07:00"
)

// The years that RFC 3339 can write, in seconds from 1970.
const (
	firstSecond = -62167219200 // of year 0
	lastSecond  = 253402300799 // of year 9999
)

// time writes what t.MarshalText returns, or nothing and false if that is an
// error.
func (w *back) time(t time.Time) bool {
	offset := 0
	if t.Location() != time.UTC {
		_, offset = t.Zone()
	}
	seconds := t.Unix() + int64(offset)
	if seconds < firstSecond || seconds > lastSecond || offset <= -24*3600 || offset >= 24*3600 {
		return false
	}
	w.zone(offset)
	if n := t.Nanosecond(); n > 0 {
		w.nanoseconds(uint64(n))
	}
	sinceYear0 := uint64(seconds - firstSecond)
	w.dateAndTime(uint(sinceYear0/86400), uint(sinceYear0%86400))
	return true
}

// dateAndTime writes a day, counted from year 0, and a second of it.
func (w *back) dateAndTime(days, second uint) {
	year, month, day := dateOf(days)
	b := (*[len(dateAndTime)]byte)(w.room(len(dateAndTime)))
	putTwo(b[0:2], year/100)
	putTwo(b[2:4], year%100)
	b[4] = '-'
	putTwo(b[5:7], month)
	b[7] = '-'
	putTwo(b[8:10], day)
	b[10] = 'T'
	putTwo(b[11:13], second/3600)
	b[13] = ':'
	putTwo(b[14:16], second/60%60)
	b[16] = ':'
	putTwo(b[17:19], second%60)
}

// zone writes an offset from UTC, given in seconds, in whole minutes.
func (w *back) zone(offset int) {
	if offset == 0 {
		w.byte('Z')
		return
	}
	b := w.room(len(numericZone))
	minutes := uint(max(offset, -offset)) / 60
	b[0] = '+'
	if offset <= -60 {
		b[0] = '-'
	}
	putTwo(b[1:3], minutes/60)
	b[3] = ':'
	putTwo(b[4:6], minutes%60)
}

// nanoseconds writes n as a fraction of nine digits, less the zeros at its end.
func (w *back) nanoseconds(n uint64) {
	digits := writeEight(n % 1e8)
	zeros := bits.LeadingZeros64(digits^zeros8) / 8
	b := w.room(len(".123456789"))
	binary.LittleEndian.PutUint64(b[2:], digits<<(8*zeros))
	b[zeros+1] = '0' + byte(n/1e8)
	b[zeros] = '.'
	w.at += zeros
}

func putTwo(b []byte, n uint) { binary.LittleEndian.PutUint16(b, twoDigits[n]) }

// twoDigits are the numbers below 100, the first digit in the lower byte.
var twoDigits = func() (two [100]uint16) {
	for n := range two {
		two[n] = uint16('0'+n/10) | uint16('0'+n%10)<<8
	}
	return two
}()

// parseTime returns what UnmarshalText makes of p, and reports false for what it
// leaves to it: errors, and spellings that are rare.
func parseTime(p []byte) (t time.Time, ok bool) {
	seconds, ok := cutDateAndTime(p)
	if !ok {
		return t, false
	}
	p = p[len(dateAndTime):]
	utc := p[len(p)-1] == 'Z'
	offset, end := 0, len(p)-1
	if !utc {
		offset, end = cutZone(p)
	}
	nanoseconds, ok := parseNanoseconds(p[:max(end, 0)])
	if !ok || end < 0 {
		return t, false
	}
	t = time.Unix(seconds-int64(offset), int64(nanoseconds))
	if utc {
		return t.UTC(), true
	}
	if _, here := t.Zone(); here == offset {
		return t.Local(), true
	}
	return t.In(time.FixedZone("", offset)), true
}

// cutDateAndTime returns the seconds from 1970 to what p begins with, which more
// must follow.
func cutDateAndTime(p []byte) (seconds int64, ok bool) {
	if len(p) <= len(dateAndTime) {
		return 0, false
	}
	if p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' || p[16] != ':' {
		return 0, false
	}
	century, year, month, day := readTwo(p[0:2]), readTwo(p[2:4]), readTwo(p[5:7]), readTwo(p[8:10])
	hour, minute, second := readTwo(p[11:13]), readTwo(p[14:16]), readTwo(p[17:19])
	if century > 99 || year > 99 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	year += 100 * century
	if month-1 >= 12 || day-1 >= daysIn(month, year) {
		return 0, false
	}
	return int64(daysTo(year, month, day))*86400 + int64(hour*3600+minute*60+second), true
}

// readTwo returns the number that the two digits of p spell, or one above 99.
func readTwo(p []byte) uint {
	tens, ones := uint(p[0]-'0'), uint(p[1]-'0')
	if ones > 9 {
		return 100
	}
	return 10*tens + ones
}

func daysIn(month, year uint) uint {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%16 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}

// Days are counted from the first of March 400 years before year 0: what comes
// and goes is then the last day of a year, and nothing is below zero.
const (
	dayOfYear0 = 146097 - 366 + 306
	dayOf1970  = 719528 // from year 0
)

// daysTo returns the days from 1970 to a date.
func daysTo(year, month, day uint) int {
	year += 400
	if month < 3 {
		year, month = year-1, month+12
	}
	before := 365*year + year/4 - year/100 + year/400 + (153*month-457)/5
	return int(before+day-1) - dayOfYear0 - dayOf1970
}

// dateOf returns the date of a day, counted from the first of year 0.
//
// It undoes daysTo, from the century down.
func dateOf(days uint) (year, month, day uint) {
	days += dayOfYear0
	century := (4*days + 3) / 146097
	days -= 146097 * century / 4
	year = (4*days + 3) / 1461
	days -= 1461 * year / 4
	month = (5*days + 461) / 153
	day = days - (153*month-457)/5 + 1
	year += 100*century - 400
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}

// parseNanoseconds reads nothing, or a point and up to nine digits.
func parseNanoseconds(p []byte) (n uint64, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	if p[0] != '.' || len(p) == 1 || len(p) > 10 {
		return 0, false
	}
	n, end := readDigits(p, 1, 0)
	for range 10 - len(p) {
		n *= 10
	}
	return n, end == len(p)
}

// cutZone returns the seconds that the zone at the end of p is ahead of UTC, and
// where it begins, or a place below zero.
func cutZone(p []byte) (offset, at int) {
	at = len(p) - len(numericZone)
	if at < 0 {
		return 0, at
	}
	p = p[at:]
	hours, minutes := readTwo(p[1:3]), readTwo(p[4:6])
	if hours > 23 || minutes > 59 || p[3] != ':' || p[0] != '+' && p[0] != '-' {
		return 0, -1
	}
	offset = int(hours*3600 + minutes*60)
	if p[0] == '-' {
		offset = -offset
	}
	return offset, at
}
