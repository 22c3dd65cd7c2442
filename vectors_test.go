package petrichor

// The vectors of spec/vectors through every entrance.  spec/vectors/README.md
// says what each key of a case means.

import (
	"bytes"
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor/spec"
)

func TestVectors(t *testing.T) {
	read := map[string]func(*testing.T, spec.Vector){
		"element": testElementVector, "frames": testFramesVector,
		"first": testFirstVector, "answer": testAnswerVector,
	}
	for _, v := range spec.Vectors() {
		t.Run(v.Name, func(t *testing.T) { read[v.Read](t, v) })
	}
}

// optionsOf returns what the options of v are called here.
func optionsOf(t *testing.T, v spec.Vector) (opts []Option) {
	known := map[string]func(bool) Option{
		"text": AllowText, "loose": AllowLoose, "nonfinite": AllowNonFinite, "duplicates": AllowDuplicateKeys,
	}
	for _, name := range v.Options {
		if known[name] == nil {
			t.Fatalf("no option is called %q", name)
		}
		opts = append(opts, known[name](true))
	}
	return opts
}

// limitsOf returns what the limits of v are called here.
func limitsOf(t *testing.T, v spec.Vector) (opts []Option) {
	for name, n := range v.Limits {
		switch name {
		case "size":
			opts = append(opts, MaxSize(int64(n)))
		case "header":
			opts = append(opts, MaxHeaderSize(int64(n)))
		case "depth":
			opts = append(opts, MaxDepth(n))
		case "values":
			opts = append(opts, MaxValues(n))
		default:
			t.Fatalf("no limit is called %q", name)
		}
	}
	return opts
}

func testElementVector(t *testing.T, v spec.Vector) {
	opts := append(optionsOf(t, v), KeepOrder(!slices.Contains(v.Options, "duplicates")))
	if v.Rest != nil {
		first := sure(agree(t, v.Canon))
		mustLeaveRest(t, v.Wire, first, string(v.Rest))
		mustTrace(t, v, traceOf(t, v.Canon, opts))
		return
	}
	got, err := agree(t, v.Wire, append(opts, limitsOf(t, v)...)...)
	mustBeVerdict(t, v, err)
	if v.Want == "short" && len(v.Limits) == 0 && len(v.Wire) > 0 {
		mustEndEarly(t, v.Wire)
	}
	if v.Want != "ok" {
		return
	}
	mustTrace(t, v, traceOf(t, v.Wire, opts))
	roomy := append(opts, MaxDepth(1000)) // one way out puts the value into a dict
	mustEncode(t, got, v.Canon, roomy...)
	if !slices.Contains(v.Options, "loose") {
		mustKeep(t, v.Wire, roomy...)
	}
}

// layerOf is what the vectors call the layer that found err.
func layerOf(err error) string {
	switch e := verdictOf(err).Err; e {
	case nil:
		return "ok"
	case io.ErrUnexpectedEOF:
		return "short"
	case ErrHeader:
		return "header error"
	case ErrTooLarge, ErrTooDeep, ErrTooMany:
		return "limit"
	case errRange:
		return "range"
	case ErrSize, ErrKind, ErrPayload, ErrKey, ErrDuplicate, ErrTrailing:
		return "syntax error"
	default:
		return e.Error()
	}
}

func mustBeVerdict(t *testing.T, v spec.Vector, err error) {
	t.Helper()
	at := int64(-1)
	if layer := layerOf(err); layer != "ok" && layer != "short" {
		at = verdictOf(err).Offset
	}
	if layerOf(err) != v.Want || at != v.At {
		t.Errorf("%.200q: error %v, that is %s at %d; want %s at %d", v.Wire, err, layerOf(err), at, v.Want, v.At)
	}
}

func mustTrace(t *testing.T, v spec.Vector, trace []string) {
	t.Helper()
	if got := strings.Join(trace, " / "); got != v.Trace {
		t.Errorf("%.200q: trace %s, want %s", v.Wire, got, v.Trace)
	}
}

// traceOf lists the elements in b, outermost first: it cuts, and makes no
// values.
func traceOf(t *testing.T, b []byte, opts []Option) (trace []string) {
	for len(b) > 0 {
		el, rest, err := Cut(b, opts...)
		if err != nil {
			t.Fatal(err)
		}
		b = rest
		if el.Kind == KindList || el.Kind == KindDict {
			size, _, _ := bytes.Cut(Append(nil, el.Kind, el.Payload), []byte(":"))
			trace = append(trace, el.Kind.String()+" "+string(size))
			trace = append(trace, traceOf(t, el.Payload, opts)...)
			continue
		}
		payload := strings.ReplaceAll(spec.Escape(el.Payload), "/", `\x2f`)
		trace = append(trace, strings.TrimRight(el.Kind.String()+" "+payload, " "))
	}
	return trace
}

// A frameEntrance is one way for frames to get in: it returns those of b, and
// the error that ended them, which is nil where b ends between frames.
type frameEntrance struct {
	name string
	of   func(b []byte) ([]Frame, error)
}

func frameEntrances(opts []Option) []frameEntrance {
	list := []frameEntrance{
		{"CutFrame", func(b []byte) ([]Frame, error) { return cutFrames(b, opts) }},
	}
	for _, n := range []int{1, 3, 1 << 20} {
		list = append(list, frameEntrance{"Parser", func(b []byte) ([]Frame, error) { return parseFrames(b, portions(n), opts) }})
	}
	for _, r := range readers {
		list = append(list,
			frameEntrance{"ReadFrame, " + r.name, func(b []byte) ([]Frame, error) {
				return allFrames(NewDecoder(r.of(b), opts...).ReadFrame)
			}},
			frameEntrance{"NextFrame, " + r.name, func(b []byte) ([]Frame, error) {
				return allFrames(streamedFrame(NewDecoder(r.of(b), opts...)))
			}},
			frameEntrance{"Recv, " + r.name, func(b []byte) ([]Frame, error) {
				return allFrames(NewConn(readOnly{r.of(b)}, opts...).Recv)
			}})
	}
	return list
}

func cutFrames(b []byte, opts []Option) (frames []Frame, err error) {
	// What holds the bytes has no limits of its own.
	opts = append([]Option{MaxHeaderSize(defaultHeaderSize), MaxSize(defaultSize)}, opts...)
	for rest := b; len(rest) > 0; {
		var f Frame
		at := int64(len(b) - len(rest))
		if f, rest, err = CutFrame(rest, opts...); err != nil {
			return frames, shift(err, at)
		}
		frames = append(frames, f)
	}
	return frames, nil
}

func parseFrames(b []byte, portions func([]byte) [][]byte, opts []Option) (frames []Frame, err error) {
	p := NewParser(opts...)
	for _, portion := range portions(b) {
		p.Feed(portion)
		for err = nil; err == nil; {
			var f Frame
			if f, err = p.Next(); err == nil {
				frames = append(frames, f.Clone())
			}
		}
		if err != ErrShort {
			return frames, err
		}
	}
	if p.Buffered() == 0 {
		return frames, nil
	}
	return frames, err
}

// streamedFrame returns a function that reads d by NextFrame.
func streamedFrame(d *Decoder) func() (Frame, error) {
	return func() (Frame, error) {
		header, body, err := d.NextFrame()
		if err != nil {
			return Frame{}, err
		}
		header = bytes.Clone(header)
		payload, err := io.ReadAll(body)
		if err != nil {
			return Frame{}, err
		}
		return Frame{header, Append(nil, body.Kind(), payload)}, nil
	}
}

func allFrames(next func() (Frame, error)) (frames []Frame, err error) {
	for {
		f, err := next()
		if err == io.EOF {
			return frames, nil
		}
		if err != nil {
			return frames, err
		}
		frames = append(frames, f.Clone())
	}
}

func testFramesVector(t *testing.T, v spec.Vector) {
	opts := append(limitsOf(t, v), optionsOf(t, v)...)
	for _, e := range frameEntrances(opts) {
		t.Run(e.name, func(t *testing.T) {
			frames, err := e.of(v.Wire)
			mustBeFrames(t, v, frames, err)
		})
	}
}

// mustBeFrames checks frames, which have been cut before err, all the way down.
func mustBeFrames(t *testing.T, v spec.Vector, frames []Frame, err error) {
	t.Helper()
	opts := optionsOf(t, v)
	// The limits of size have been kept when the frames were cut.
	checked := append(limitsOf(t, v), append(opts, MaxSize(maxNineDigits), KeepOrder(true))...)
	var trace []string
	var canon []byte
	at := int64(0)
	for _, f := range frames {
		header, body, fault := checkFrame(f, at, checked)
		if fault != nil {
			err = fault
			break
		}
		trace = append(trace, traceOf(t, append(f.Header, f.Body...), opts)...)
		canon = append(canon, sure(AppendFrame(nil, header, body, opts...))...)
		at += int64(len(f.Header) + len(f.Body))
	}
	mustBeVerdict(t, v, err)
	mustTrace(t, v, trace)
	if v.Want == "ok" && !bytes.Equal(canon, v.Canon) {
		t.Errorf("written again: %q, want %q", canon, v.Canon)
	}
}

// checkFrame decodes both halves of f, which began at an offset of the stream.
func checkFrame(f Frame, at int64, opts []Option) (header, body any, err error) {
	for _, half := range []struct {
		raw Raw
		to  *any
	}{{f.Header, &header}, {f.Body, &body}} {
		if err := Unmarshal(half.raw, half.to, opts...); err != nil {
			return nil, nil, shift(err, at)
		}
		at += int64(len(half.raw))
	}
	return header, body, nil
}

func testFirstVector(t *testing.T, v spec.Vector) {
	for _, r := range readers {
		t.Run(r.name, func(t *testing.T) {
			stream := r.of(v.Wire)
			c, first, err := Accept(readOnly{stream})
			if err != nil {
				mustBeFrames(t, v, nil, err)
				return
			}
			mustBeFrames(t, v, []Frame{first}, nil)
			if rest, err := leftOver(c.dec, stream, v.Wire, nil); err != nil || !bytes.Equal(rest, v.Rest) {
				t.Errorf("leaves %q, want %q; %v", rest, v.Rest, err)
			}
			if _, err := c.Recv(); err != ErrNotAllowed {
				t.Errorf("Recv before Allow: error %v", err)
			}
		})
	}
}

func testAnswerVector(t *testing.T, v spec.Vector) {
	addr := answering(t, v.Wire)
	c, answer, err := Connect(context.Background(), "tcp", addr, nil, nil)
	if err != nil {
		mustBeFrames(t, v, nil, err)
		if v.Allowed {
			t.Errorf("error %v, want to be allowed", err)
		}
		return
	}
	defer c.Close()
	mustBeFrames(t, v, []Frame{answer}, nil)
	if Allowed(answer.Header) != v.Allowed {
		t.Errorf("Allowed(%q) is %v", answer.Header, !v.Allowed)
	}
}

// answering returns the address of a peer that receives one frame and sends b.
func answering(t *testing.T, b []byte) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := NewDecoder(c).ReadFrame(); err == nil {
			c.Write(b)
		}
	}()
	return l.Addr().String()
}

// The vectors have to show faults of each layer, or they prove nothing.
func TestVectorsCoverEveryLayer(t *testing.T) {
	count := map[string]int{}
	for _, v := range spec.Vectors() {
		count[v.Read+" "+v.Want]++
	}
	for _, read := range []string{"frames", "first", "answer"} {
		for _, want := range []string{"ok", "short", "syntax error", "header error", "limit"} {
			if count[read+" "+want] == 0 {
				t.Errorf("no %s vector wants %s", read, want)
			}
		}
	}
	if count["element range"] == 0 {
		t.Error("no vector is out of range")
	}
}
