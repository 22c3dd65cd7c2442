package gotest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/internal/conform"
	"github.com/petrichor-protocol/petrichor/spec"
)

// TestSameVerdict compares what C and Go say of vectors and made-up inputs:
// verdict, offset, how many bytes are missing, trace, and how a value is written
// again.  PETRICHOR_C_INPUTS is how many inputs, PETRICHOR_C_SEED which.
func TestSameVerdict(t *testing.T) {
	count := setting(t, "PETRICHOR_C_INPUTS", 100_000)
	if testing.Short() {
		count = min(count, 10_000)
	}
	d := startDriver(t)
	m := conform.NewMaker(uint64(setting(t, "PETRICHOR_C_SEED", 1)), "frames")
	said := map[string]int{}
	for done := 0; done < count; {
		inputs := []input{}
		for range min(1000, count-done) {
			inputs = append(inputs, inputOf(m.Question()))
		}
		compare(t, d, inputs, said)
		done += len(inputs)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	mustBeVaried(t, count, said)
}

// TestVectorsSameVerdict does so for the vectors as they are, with all options.
func TestVectorsSameVerdict(t *testing.T) {
	d := startDriver(t)
	said := map[string]int{}
	for allow := range 16 {
		var inputs []input
		for _, v := range spec.Vectors() {
			inputs = append(inputs, input{"element", allow, v.Limits, v.Wire}, input{"frames", allow, v.Limits, v.Wire})
		}
		compare(t, d, inputs, said)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
}

func setting(t *testing.T, name string, otherwise int) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// compare fails t at the first input of which C says something else than Go, and
// counts the first words of what they say.
func compare(t *testing.T, d *driver, inputs []input, said map[string]int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- d.send(inputs) }()
	for _, in := range inputs {
		c, err := d.answer()
		if err != nil {
			t.Fatal(errors.Join(err, d.stop()))
		}
		want := in.say()
		if c != want {
			t.Fatalf("%s, allow %d, limits %v\nwire: %s\n---- C\n%s\n---- Go\n%s",
				in.read, in.allow, in.limits, spec.Escape(in.wire), spec.Escape([]byte(c)), spec.Escape([]byte(want)))
		}
		line, _, _ := strings.Cut(want, "\n")
		what, _, _ := strings.Cut(line, " at ")
		said[what]++
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

// mustBeVaried fails t if inputs were nearly all good or nearly all of one fault:
// then they compare little.
func mustBeVaried(t *testing.T, count int, said map[string]int) {
	for what, n := range said {
		t.Logf("%8d %s", n, what)
	}
	if len(said) < 22 {
		t.Errorf("only %d different verdicts", len(said))
	}
	for _, what := range []string{"check ok", "frames ok"} {
		if n := said[what]; n < count/100 || n > count/2 {
			t.Errorf("%s: %d of %d", what, n, count)
		}
	}
}

// say is what the driver should say of in.
func (in input) say() string {
	if in.read == "frames" {
		return in.sayFrames()
	}
	opts := in.options()
	var v any
	err := petrichor.Unmarshal(in.wire, &v, append(opts, petrichor.KeepOrder(true))...)
	_, rest, cutErr := petrichor.Cut(in.wire, opts...)
	said := verdict("check", len(in.wire), err) + verdict("cut", len(in.wire)-len(rest), cutErr)
	if err != nil {
		return said
	}
	roomy := append(opts, petrichor.MaxSize(999_999_999))
	again, err := petrichor.Marshal(v, roomy...)
	if err != nil {
		return said + err.Error()
	}
	return said + "trace " + strings.Join(trace(nil, in.wire, opts), " / ") + "\n" + string(again)
}

// sayFrames is say for frames, which are those of a stream.
func (in input) sayFrames() string {
	opts := in.options()
	p := petrichor.NewParser(opts...)
	p.Feed(in.wire)
	var frames []byte
	for {
		base := len(frames)
		f, err := p.Next()
		if err == petrichor.ErrShort && p.Buffered() == 0 {
			err = nil
		}
		if err != nil || f.Header == nil {
			return in.framesEnd(frames, verdict("frames", base, err))
		}
		frames = append(append(frames, f.Header...), f.Body...)
		err = in.check(f.Header, base)
		if err == nil {
			err = in.check(f.Body, base+len(f.Header))
		}
		if err != nil {
			return in.framesEnd(frames, verdict("frames", 0, err))
		}
	}
}

// framesEnd is what is said of frames after the verdict.
func (in input) framesEnd(frames []byte, verdict string) string {
	if f, _, err := petrichor.CutFrame(frames, in.options()...); err == nil {
		allowed := 0
		if petrichor.Allowed(f.Header) {
			allowed = 1
		}
		verdict += fmt.Sprintf("allowed %d\n", allowed)
	}
	return verdict + string(frames)
}

// check decodes half of a frame, which begins at an offset in the stream.
func (in input) check(half petrichor.Raw, at int) error {
	values := 65_536
	if n, ok := in.limits["values"]; ok {
		values = n
	}
	opts := append(in.options(), petrichor.MaxSize(999_999_999), petrichor.MaxValues(values), petrichor.KeepOrder(true))
	var v any
	err := petrichor.Unmarshal(half, &v, opts...)
	switch e := err.(type) {
	case *petrichor.SyntaxError:
		e.Offset += int64(at)
	case *petrichor.TypeError:
		e.Offset += int64(at)
	}
	return err
}

var missing = regexp.MustCompile(`at least (\d+) more bytes are needed`)

// verdict is one line: what err is, and where, or, if it is nil, where that ended.
func verdict(entrance string, end int, err error) string {
	what, at := "ok", int64(end)
	switch e := err.(type) {
	case nil:
	case *petrichor.SyntaxError:
		what, at = e.Err.Error(), e.Offset
		if e.Err == io.ErrUnexpectedEOF {
			more, _ := strconv.ParseInt(missing.FindStringSubmatch(err.Error())[1], 10, 64)
			what, at = "more bytes are needed", at+more
		}
	case *petrichor.TypeError:
		what, at = "number "+e.Err.Error(), e.Offset
	default:
		what = strings.TrimPrefix(err.Error(), "petrichor: ")
	}
	return fmt.Sprintf("%s %s at %d\n", entrance, what, at)
}

// trace lists the elements in b, which are well formed, outermost first.
func trace(list []string, b []byte, opts []petrichor.Option) []string {
	for len(b) > 0 {
		el, rest, err := petrichor.Cut(b, opts...)
		if err != nil {
			return append(list, err.Error())
		}
		b = rest
		if el.Kind == petrichor.KindList || el.Kind == petrichor.KindDict {
			list = append(list, fmt.Sprintf("%v %d", el.Kind, len(el.Payload)))
			list = trace(list, el.Payload, opts)
			continue
		}
		payload := strings.ReplaceAll(spec.Escape(el.Payload), "/", `\x2f`)
		list = append(list, strings.TrimRight(el.Kind.String()+" "+payload, " "))
	}
	return list
}
