package petrichor

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// checkTimeText compares what parseTime makes of p with what UnmarshalText does.
func checkTimeText(p []byte) error {
	got, ok := parseTime(p)
	var want time.Time
	err := want.UnmarshalText(p)
	if ok && (err != nil || !reflect.DeepEqual(got, want)) {
		return fmt.Errorf("parseTime(%q) = %#v; UnmarshalText has %#v, %v", p, got, want, err)
	}
	return nil
}

// checkTime compares how t is written with what MarshalText does, and reads it.
func checkTime(w *back, t time.Time) error {
	w.reset()
	ok := w.time(t)
	want, err := t.MarshalText()
	if ok != (err == nil) || ok && string(w.bytes()) != string(want) || !ok && w.len() > 0 {
		return fmt.Errorf("%#v is written %q, %v; MarshalText has %q, %v", t, w.bytes(), ok, want, err)
	}
	if !ok {
		return nil
	}
	if _, ok := parseTime(want); !ok {
		return fmt.Errorf("parseTime(%q) leaves it undecided", want)
	}
	return checkTimeText(want)
}

func TestTimeWritten(t *testing.T) {
	var w back
	day := time.Date(-1, 12, 30, 23, 59, 59, 0, time.UTC)
	for ; day.Year() < 10000; day = day.AddDate(0, 0, 1) {
		seconds := day.Unix()
		if year, month, d := day.Date(); year >= 0 && daysTo(uint(year), uint(month), uint(d)) != int((seconds-86399)/86400) {
			t.Fatal(day)
		}
		if day.Day() > 27 || day.YearDay() == 60 {
			noError(t, checkTime(&w, day))
			noError(t, checkTime(&w, day.Add(time.Second)))
		}
	}
	base := time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)
	for n := 1; n < 1e9; n *= 10 {
		for _, n := range []int{n - 1, n, n + 1, 9 * n, 1e9 - n, 123456789 / n * n} {
			noError(t, checkTime(&w, base.Add(time.Duration(n))))
		}
	}
	noError(t, checkTime(&w, time.Time{}))
	noError(t, checkTime(&w, time.Now()))
	noError(t, checkTime(&w, time.Unix(1<<63-1, 0)))
	noError(t, checkTime(&w, time.Unix(-1<<63, 0)))
}

func TestTimeZones(t *testing.T) {
	var w back
	for _, zone := range someZones(t) {
		for _, local := range someZones(t) {
			inLocal(local, func() {
				for month := range time.Month(12) {
					noError(t, checkTime(&w, time.Date(2024, month+1, 1, 1, 2, 3, 4000, zone)))
				}
				noError(t, checkTime(&w, time.Date(0, 1, 1, 0, 0, 0, 0, zone)))
				noError(t, checkTime(&w, time.Date(9999, 12, 31, 23, 59, 59, 999999999, zone)))
				noError(t, checkTime(&w, time.Now().In(zone)))
				noError(t, checkTimeText([]byte("2024-07-01T00:00:00+00:00")))
				noError(t, checkTimeText([]byte("2024-07-01T00:00:00-00:00")))
				noError(t, checkTimeText([]byte("2024-07-01T00:00:00+02:00")))
			})
		}
	}
}

func someZones(t *testing.T) []*time.Location {
	zones := []*time.Location{time.UTC, time.Local}
	for _, name := range []string{"Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Africa/Monrovia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		zones = append(zones, zone)
	}
	for _, offset := range []int{0, 1, -1, 59, -59, 60, -60, 3599, 7200, -7200, 50400, 86399, -86399, 86400, -86400, 360000, -360000} {
		zones = append(zones, time.FixedZone("", offset), time.FixedZone("named", offset))
	}
	return zones
}

func inLocal(local *time.Location, f func()) {
	defer func(before *time.Location) { time.Local = before }(time.Local)
	time.Local = local
	f()
}

// Every byte in every place, and every length.
func TestTimeWithOneOtherByte(t *testing.T) {
	for _, s := range []string{"2024-02-29T12:34:56.789Z", "1999-12-31T23:59:59-12:30", "2000-01-01T00:00:00Z", "2000-01-01T00:00:00.123456789+01:00"} {
		for i := range s {
			noError(t, checkTimeText([]byte(s[:i])))
			noError(t, checkTimeText([]byte(s[i:])))
			noError(t, checkTimeText([]byte(s[:i]+s[i+1:])))
			noError(t, checkTimeText([]byte(s[:i]+"0"+s[i:])))
			for b := range 256 {
				p := []byte(s)
				p[i] = byte(b)
				noError(t, checkTimeText(p))
			}
		}
	}
}

func TestTimeFields(t *testing.T) {
	for _, year := range []int{0, 1, 4, 100, 400, 1900, 2000, 2023, 2024, 9999} {
		for month := range 14 {
			for day := range 33 {
				noError(t, checkTimeText(fmt.Appendf(nil, "%04d-%02d-%02dT00:00:00Z", year, month, day)))
			}
		}
	}
	for n := range 100 {
		for _, form := range []string{"2024-01-01T%02d:00:00Z", "2024-01-01T00:%02d:00Z", "2024-01-01T00:00:%02dZ", "2024-01-01T00:00:00+%02d:00", "2024-01-01T00:00:00-00:%02d"} {
			noError(t, checkTimeText(fmt.Appendf(nil, form, n)))
		}
	}
	for _, fraction := range []string{".", ",5", ".1", ".12", ".000000001", ".0000000001", ".1234567890123", ".12345678a", "1"} {
		for _, zone := range []string{"Z", "z", "", "+01:00", "-01:00", "+0100", "+01", "ZZ", "+01:0a", "+24:00", "Z+01:00"} {
			noError(t, checkTimeText([]byte("2024-01-01T00:00:00"+fraction+zone)))
		}
	}
}

func TestTimesAgainstTime(t *testing.T) {
	r := random(rand.Uint64())
	var w back
	for range 20_000 {
		at := time.Unix(r.Int64N(lastSecond-firstSecond)+firstSecond, r.Int64N(1e9)>>r.IntN(30))
		noError(t, checkTime(&w, at.UTC()))
		noError(t, checkTime(&w, at.In(time.FixedZone("", r.IntN(200_000)-100_000))))
	}
}
