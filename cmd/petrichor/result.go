package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// A result is what a load has shown, in the words of the JSON report.
type result struct {
	Address       string     `json:"address"`
	Loop          string     `json:"loop"` // closed or open
	Corrected     bool       `json:"corrected_for_coordinated_omission"`
	Connections   int        `json:"connections"`
	Pipelining    int        `json:"pipelining"`
	RequestBytes  int        `json:"request_bytes"`
	Rate          float64    `json:"requests_due_per_second,omitempty"`
	Warmup        float64    `json:"warmup_seconds"`
	Seconds       float64    `json:"seconds"`
	Replies       int64      `json:"replies"`
	ErrorReplies  int64      `json:"error_replies"`
	Strays        int64      `json:"replies_to_nothing"`
	Unanswered    int64      `json:"requests_unanswered"`
	Unsent        int64      `json:"requests_due_and_unsent"`
	RepliesPerSec float64    `json:"replies_per_second"`
	BytesOutSec   float64    `json:"request_bytes_per_second"`
	BytesInSec    float64    `json:"reply_bytes_per_second"`
	Latency       quantiles  `json:"latency_ns"`
	FromSend      *quantiles `json:"latency_from_send_ns,omitempty"` // open loop: as a closed one would have it
	Faults        []fault    `json:"broken_connections"`
	Bars          []bar      `json:"histogram"`

	latency, service *hdrhistogram.Histogram
}

// quantiles are of a histogram, in nanoseconds.
type quantiles struct {
	Min    int64 `json:"min"`
	Mean   int64 `json:"mean"`
	StdDev int64 `json:"stddev"`
	P50    int64 `json:"p50"`
	P90    int64 `json:"p90"`
	P99    int64 `json:"p99"`
	P999   int64 `json:"p99.9"`
	P9999  int64 `json:"p99.99"`
	Max    int64 `json:"max"`
}

func quantilesOf(h *hdrhistogram.Histogram) quantiles {
	if h.TotalCount() == 0 {
		return quantiles{}
	}
	return quantiles{
		h.Min(), int64(h.Mean()), int64(h.StdDev()),
		h.ValueAtQuantile(50), h.ValueAtQuantile(90), h.ValueAtQuantile(99),
		h.ValueAtQuantile(99.9), h.ValueAtQuantile(99.99), h.Max(),
	}
}

// A bar is how many latencies are from From to To, in nanoseconds; to the eye, which compares
// ratios, all bars are as wide.
type bar struct {
	From  int64 `json:"from_ns"`
	To    int64 `json:"to_ns"`
	Count int64 `json:"count"`
}

// barsOf cuts a histogram into n bars.
func barsOf(h *hdrhistogram.Histogram, n int) []bar {
	if h.TotalCount() == 0 {
		return nil
	}
	low, high := float64(max(1, h.Min())), float64(max(2, h.Max()+1))
	step := math.Log(high/low) / float64(n)
	bars := make([]bar, n)
	for i := range bars {
		bars[i].From = int64(low * math.Exp(float64(i)*step))
		bars[i].To = int64(low * math.Exp(float64(i+1)*step))
	}
	for _, slot := range h.Distribution() {
		if slot.Count == 0 {
			continue
		}
		i := int(math.Log(max(low, float64(slot.From))/low) / step)
		bars[min(i, n-1)].Count += slot.Count
	}
	return bars
}

// result is what the load has shown.
func (l *load) result() *result {
	all := l.sum()
	r := &result{
		Loop:         "closed",
		Connections:  l.conns,
		Pipelining:   l.window,
		RequestBytes: len(l.request.frame),
		Rate:         l.rate,
		Warmup:       l.warmup.Seconds(),
		Seconds:      max(0, all.last-l.warmup).Seconds(),
		Replies:      all.replies,
		ErrorReplies: all.refused,
		Strays:       all.strays,
		Latency:      quantilesOf(all.latency),
		Faults:       append([]fault{}, all.faults...),
		Bars:         barsOf(all.latency, 40),
		latency:      all.latency,
		service:      all.service,
	}
	if l.rate > 0 {
		fromSend := quantilesOf(all.service)
		r.Loop, r.Corrected, r.FromSend = "open", true, &fromSend
	}
	for _, lane := range l.lanes {
		unanswered, unsent := lane.lost()
		r.Unanswered += unanswered
		r.Unsent += unsent
	}
	if r.Seconds > 0 {
		r.RepliesPerSec = float64(r.Replies) / r.Seconds
		r.BytesOutSec = r.RepliesPerSec * float64(r.RequestBytes)
		r.BytesInSec = float64(all.bytes) / r.Seconds
	}
	return r
}

// failed is the error of a load in which not all went well: its exit code is that of the first
// connection that broke.
func (r *result) failed() error {
	switch {
	case len(r.Faults) > 0:
		f := r.Faults[0]
		what := fmt.Sprintf("%s: %s broke: %s", r.Address, plural(r.broken(), "connection"), f.First)
		return &failure{codeOf(f.err), what, f.err}
	case r.ErrorReplies > 0:
		return fail(exitOther, "%s: %d of %d replies say there was an error", r.Address, r.ErrorReplies, r.Replies)
	case r.Strays > 0:
		return fail(exitOther, "%s: %d replies to no request", r.Address, r.Strays)
	}
	return nil
}

func (r *result) broken() (n int) {
	for _, f := range r.Faults {
		n += f.Lanes
	}
	return n
}

// Setup says what was done.
func (r *result) Setup() string {
	loop := "closed loop"
	if r.Corrected {
		loop = fmt.Sprintf("open loop, %g requests due a second", r.Rate)
	}
	return fmt.Sprintf("%s; %s, at most %s in flight on each; %s B a request",
		loop, plural(r.Connections, "connection"), plural(r.Pipelining, "request"), digits(int64(r.RequestBytes)))
}

// Outcome says what came of it.
func (r *result) Outcome() string {
	return fmt.Sprintf("%s replies in %.3g s: %s a second, %s/s out, %s/s in", digits(r.Replies), r.Seconds,
		digits(int64(r.RepliesPerSec)), bytesOf(r.BytesOutSec), bytesOf(r.BytesInSec))
}

// Meaning says what the latencies are.
func (r *result) Meaning() string {
	if r.Corrected {
		return "Latencies count from when a request was due, not from when it could be sent: corrected for coordinated omission."
	}
	return "Not corrected for coordinated omission: in a closed loop a pause of the server holds back the requests" +
		" that would have suffered from it. For latencies at a load you choose, use --rate."
}

// Errors says what went wrong, a line each.
func (r *result) Errors() (lines []string) {
	for _, f := range r.Faults {
		lines = append(lines, fmt.Sprintf("%s: %s, the first: %s", f.Kind, plural(f.Lanes, "connection"), f.First))
	}
	for _, loss := range []struct {
		n    int64
		what string
	}{
		{r.Unanswered, "requests never answered"},
		{r.Unsent, "requests due and never sent"},
		{r.ErrorReplies, "replies that say there was an error"},
		{r.Strays, "replies to no request"},
	} {
		if loss.n > 0 {
			lines = append(lines, digits(loss.n)+" "+loss.what)
		}
	}
	return lines
}

// Rows are the latencies, for a table.
func (r *result) Rows() [][]string {
	rows := [][]string{
		{"", "min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"},
		r.Latency.row("latency"),
	}
	if r.FromSend != nil {
		rows = append(rows, r.FromSend.row("from send, uncorrected"))
	}
	return rows
}

func (q quantiles) row(name string) []string {
	row := []string{name}
	for _, ns := range []int64{q.Min, q.Mean, q.P50, q.P90, q.P99, q.P999, q.P9999, q.Max} {
		row = append(row, short(ns))
	}
	return row
}

// writeText writes a result for people.
func writeText(w io.Writer, r *result) error {
	fmt.Fprintf(w, "%s: %s\n%s\n", escapeLine(r.Address), r.Setup(), r.Outcome())
	for _, line := range r.Errors() {
		fmt.Fprintf(w, "  %s\n", line)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range r.Rows() {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	table.Flush()
	fmt.Fprintf(w, "\n%s\n", wrap(r.Meaning(), 80))
	if r.Replies == 0 {
		return nil
	}
	fmt.Fprintln(w)
	return writeBars(w, barsOf(r.latency, 12))
}

func writeBars(w io.Writer, bars []bar) error {
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.Count)
	}
	for _, b := range bars {
		fill := strings.Repeat("#", int((b.Count*50+most-1)/most))
		if _, err := fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%8s %10s  %s", short(b.From), digits(b.Count), fill), " ")); err != nil {
			return err
		}
	}
	return nil
}

// writeJSON writes a result for programs.
func writeJSON(w io.Writer, r *result) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

// short is a number of nanoseconds with three digits that count.
func short(ns int64) string {
	unit := time.Duration(1)
	for time.Duration(ns)/unit >= 1000 {
		unit *= 10
	}
	return time.Duration(ns).Round(unit).String()
}

// digits is n with its thousands apart.
func digits(n int64) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// bytesOf is a number of bytes for people.
func bytesOf(n float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if n < 1000 {
			return fmt.Sprintf("%.3g %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.3g GB", n)
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return digits(int64(n)) + " " + noun
}

// wrap breaks text into lines of at most width columns.
func wrap(text string, width int) string {
	var out strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+len(word) >= width:
			out.WriteByte('\n')
			column = 0
		default:
			out.WriteByte(' ')
			column++
		}
		out.WriteString(word)
		column += len(word)
	}
	return out.String()
}
