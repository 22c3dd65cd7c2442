package main

import (
	_ "embed"
	"html/template"
	"io"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The HTML report is one file with two pictures in it, and asks nobody for anything: how many
// latencies were how long, and how long the longest of them are.

//go:embed report.html
var reportText string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"digits": digits,
	"short":  short,
}).Parse(reportText))

func writeHTML(w io.Writer, r *result) error {
	return reportPage.Execute(w, struct {
		*result
		Shape *barChart
		Tail  *curveChart
	}{r, newBarChart(r), newCurveChart(r)})
}

// The frame inside a picture, in the units of its SVG, which is 860 wide and 300 high.
const (
	frameLeft, frameRight = 70, 820
	frameTop, frameBottom = 26, 260
)

// A scale turns a number into a place; both ends of its range are above 0 where it is logarithmic.
type scale struct {
	low, high float64
	from, to  float64 // places of low and high
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		v, low, high = math.Log(max(v, low)), math.Log(low), math.Log(high)
	}
	if high <= low {
		return s.from
	}
	return math.Round(10*(s.from+(v-low)/(high-low)*(s.to-s.from))) / 10
}

// A mark is a line across a picture and what it means.
type mark struct {
	At    float64
	Label string
}

// timeMarks are the durations of 1, 10, 100 and so on that lie on a scale, or of 1, 2 and 5 of each
// where those are few.
func timeMarks(s scale) (marks []mark) {
	for _, steps := range [][]int64{{1}, {1, 2, 5}} {
		marks = nil
		for unit := int64(1); unit < int64(longest); unit *= 10 {
			for _, step := range steps {
				if v := float64(unit * step); v >= s.low && v <= s.high {
					marks = append(marks, mark{s.at(v), short(unit * step)})
				}
			}
		}
		if len(marks) > 2 {
			break
		}
	}
	return marks
}

// A barChart is a histogram over a logarithmic scale.
type barChart struct {
	Bars    []rect
	Times   []mark
	Counts  []mark
	Centers []mark // some quantiles
}

type rect struct {
	X, Y, Width, Height float64
	Title               bar
}

func newBarChart(r *result) *barChart {
	if len(r.Bars) == 0 {
		return nil
	}
	most := int64(1)
	for _, b := range r.Bars {
		most = max(most, b.Count)
	}
	x := scale{float64(max(1, r.Bars[0].From)), float64(r.Bars[len(r.Bars)-1].To), frameLeft, frameRight, true}
	y := scale{0, float64(most), frameBottom, frameTop, false}
	c := &barChart{Times: timeMarks(x)}
	for _, b := range r.Bars {
		left, right, top := x.at(float64(b.From)), x.at(float64(b.To)), y.at(float64(b.Count))
		if b.Count > 0 {
			top = min(top, frameBottom-1) // few are not none
		}
		c.Bars = append(c.Bars, rect{left, top, max(1, right-left-1), frameBottom - top, b})
	}
	for _, v := range []int64{most / 2, most} {
		c.Counts = append(c.Counts, mark{y.at(float64(v)), digits(v)})
	}
	for _, q := range []struct {
		ns   int64
		name string
	}{{r.Latency.P50, "p50"}, {r.Latency.P99, "p99"}} {
		c.Centers = append(c.Centers, mark{x.at(float64(q.ns)), q.name})
	}
	return c
}

// A curveChart is latencies over quantiles: each nine more of a quantile is as far as the one before.
type curveChart struct {
	Curves    []curve
	Quantiles []mark
	Times     []mark
}

type curve struct {
	Name, Class string
	Points      []point
}

type point struct{ X, Y float64 }

var nines = []struct {
	quantile float64
	name     string
}{{0, "min"}, {90, "90 %"}, {99, "99 %"}, {99.9, "99.9 %"}, {99.99, "99.99 %"}, {99.999, "99.999 %"}}

func newCurveChart(r *result) *curveChart {
	if r.Replies == 0 {
		return nil
	}
	last := min(math.Ceil(math.Log10(float64(r.Replies))), float64(len(nines)-1))
	x := scale{0, max(1, last), frameLeft, frameRight, false}
	y := scale{float64(max(1, r.Latency.Min)), float64(max(2, r.Latency.Max)), frameBottom, frameTop, true}
	if r.FromSend != nil {
		y.low = min(y.low, float64(max(1, r.FromSend.Min)))
	}
	c := &curveChart{Times: timeMarks(y)}
	c.Curves = append(c.Curves, curve{"latency", "latency", curvePoints(r.latency, x, y)})
	if r.FromSend != nil {
		c.Curves = append(c.Curves, curve{"from send, uncorrected", "service", curvePoints(r.service, x, y)})
	}
	for i, n := range nines[:int(x.high)+1] {
		c.Quantiles = append(c.Quantiles, mark{x.at(float64(i)), n.name})
	}
	return c
}

// curvePoints walks from the smallest latency to the quantile at the right end.
func curvePoints(h *hdrhistogram.Histogram, x, y scale) (points []point) {
	const steps = 200
	for i := range steps + 1 {
		far := x.high * float64(i) / steps // in nines
		quantile := 100 * (1 - math.Pow(10, -far))
		points = append(points, point{x.at(far), y.at(float64(h.ValueAtQuantile(quantile)))})
	}
	return points
}
