package conform

// What this implementation says.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"testing/iotest"

	"github.com/petrichor-protocol/petrichor"
)

// Entrances are the ways for bytes to get in: all of a slice; a stream, which
// gives a byte at a time; a parser, fed likewise; and a Conn over such a stream.
var Entrances = []string{"slice", "stream", "push", "conn"}

// Ask is what the Go implementation says to q at an entrance.
func Ask(q Question, entrance string) Answer {
	for _, name := range q.Options {
		if options[name] == nil {
			return Answer{Verdict: Unsupported}
		}
	}
	s := &saying{entrance: entrance, opts: OptionsOf(q), order: !slices.Contains(q.Options, "duplicates")}
	for name, n := range q.Limits {
		if limits[name] == nil {
			return Answer{Verdict: Unsupported}
		}
		s.limits = append(s.limits, limits[name](n))
	}
	switch q.Read {
	case "element":
		roomy := []petrichor.Option{petrichor.MaxSize(999_999_999), petrichor.MaxValues(math.MaxInt)}
		s.limits = append(roomy, s.limits...)
		s.element(q.Wire)
	case "frames":
		s.frames(q.Wire)
	case "first":
		s.first(q.Wire)
	case "answer":
		s.answer(q.Wire)
	default:
		return Answer{Verdict: Unsupported}
	}
	return s.Answer
}

var options = map[string]func(bool) petrichor.Option{
	"text": petrichor.AllowText, "loose": petrichor.AllowLoose,
	"nonfinite": petrichor.AllowNonFinite, "duplicates": petrichor.AllowDuplicateKeys,
}

// OptionNames are the options there are.
var OptionNames = []string{"text", "duplicates", "loose", "nonfinite"}

// OptionsOf are the options of q, as far as they are known here.
func OptionsOf(q Question) (opts []petrichor.Option) {
	for _, name := range q.Options {
		if option := options[name]; option != nil {
			opts = append(opts, option(true))
		}
	}
	return opts
}

var limits = map[string]func(int) petrichor.Option{
	"size":   func(n int) petrichor.Option { return petrichor.MaxSize(int64(n)) },
	"header": func(n int) petrichor.Option { return petrichor.MaxHeaderSize(int64(n)) },
	"depth":  petrichor.MaxDepth, "values": petrichor.MaxValues,
}

// A saying is an answer being made.
type saying struct {
	Answer
	entrance     string
	opts, limits []petrichor.Option
	order        bool // dicts keep theirs
}

func (s *saying) all() []petrichor.Option {
	return slices.Concat(s.opts, s.limits, []petrichor.Option{petrichor.KeepOrder(s.order)})
}

// writing are the options to write again what was read, however deep that went.
func (s *saying) writing() []petrichor.Option {
	return slices.Concat(s.opts, []petrichor.Option{petrichor.MaxDepth(10_000)})
}

// end sets the verdict to what err says, of bytes that begin at base.
func (s *saying) end(err error, base int64) {
	var fault *petrichor.SyntaxError
	var mismatch *petrichor.TypeError
	switch {
	case err == nil:
		s.Verdict = "ok"
	case errors.Is(err, petrichor.ErrShort), errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		s.Verdict = "short"
	case errors.As(err, &mismatch):
		s.fault("range", base+mismatch.Offset)
	case !errors.As(err, &fault):
		panic("conform: not an error of bytes: " + err.Error())
	case isAny(err, petrichor.ErrTooLarge, petrichor.ErrTooDeep, petrichor.ErrTooMany):
		s.fault("limit", base+fault.Offset)
	case errors.Is(err, petrichor.ErrHeader):
		s.fault("header error", base+fault.Offset)
	default:
		s.fault("syntax error", base+fault.Offset)
	}
}

func (s *saying) fault(verdict string, at int64) { s.Verdict, s.At = verdict, &at }

func isAny(err error, list ...error) bool {
	return slices.ContainsFunc(list, func(e error) bool { return errors.Is(err, e) })
}

func (s *saying) element(wire []byte) {
	const header = "0:}"
	var v any
	base, rest := int64(0), 0
	var err error
	switch s.entrance {
	case "slice":
		err = petrichor.Unmarshal(wire, &v, s.all()...)
	case "stream":
		d := petrichor.NewDecoder(trickle(wire), s.all()...)
		err = d.Decode(&v)
		rest = len(wire) - int(d.Offset())
	case "push":
		rest, err = s.push(wire, &v)
	case "conn":
		base = -int64(len(header))
		var f petrichor.Frame
		c := petrichor.NewConn(&stub{r: trickle(append([]byte(header), wire...))}, s.all()...)
		if f, err = c.Recv(); err == nil {
			base, err = 0, petrichor.Unmarshal(f.Body, &v, s.all()...)
			rest = len(wire) - len(f.Body)
		}
	}
	s.end(err, base)
	if err != nil {
		return
	}
	s.Rest = &rest
	s.add(v)
	s.write(petrichor.Marshal(v, s.writing()...))
}

// push feeds wire byte by byte, and leaves what comes behind the first element.
func (s *saying) push(wire []byte, v *any) (rest int, err error) {
	p := petrichor.NewParser(s.all()...)
	err = petrichor.ErrShort
	for i := range wire {
		p.Feed(wire[i : i+1])
		var raw petrichor.Raw
		if raw, err = p.NextElement(); err == nil {
			return len(wire) - i - 1, petrichor.Unmarshal(raw, v, s.all()...)
		}
		if err != petrichor.ErrShort {
			break
		}
	}
	return 0, err
}

// frames says what there is in a stream up to its end.
func (s *saying) frames(wire []byte) {
	next := s.source(wire)
	for base := int64(0); ; {
		f, at, err := next()
		if err == io.EOF {
			s.end(nil, 0)
			return
		}
		if err != nil {
			s.end(err, at)
			return
		}
		if !s.frame(f, base) {
			return
		}
		base += int64(len(f.Header) + len(f.Body))
	}
}

// source returns what gives the next frame of wire, io.EOF where that ends
// between frames, and to what the offset of an error has to be added.
func (s *saying) source(wire []byte) func() (petrichor.Frame, int64, error) {
	switch s.entrance {
	case "slice":
		return s.cutting(wire)
	case "push":
		return s.pushing(wire)
	case "conn":
		c := petrichor.NewConn(&stub{r: trickle(wire)}, s.all()...)
		return func() (petrichor.Frame, int64, error) {
			f, err := c.Recv()
			return f, 0, err
		}
	}
	d := petrichor.NewDecoder(trickle(wire), s.all()...)
	return func() (petrichor.Frame, int64, error) {
		f, err := d.ReadFrame()
		return f, 0, err
	}
}

func (s *saying) cutting(wire []byte) func() (petrichor.Frame, int64, error) {
	// What holds the bytes has no limits of its own.
	opts := append([]petrichor.Option{petrichor.MaxHeaderSize(64 << 10), petrichor.MaxSize(1 << 20)}, s.all()...)
	rest := wire
	return func() (f petrichor.Frame, at int64, err error) {
		at = int64(len(wire) - len(rest))
		if len(rest) == 0 {
			return f, at, io.EOF
		}
		f, rest, err = petrichor.CutFrame(rest, opts...)
		return f, at, err
	}
}

func (s *saying) pushing(wire []byte) func() (petrichor.Frame, int64, error) {
	p := petrichor.NewParser(s.all()...)
	return func() (f petrichor.Frame, at int64, err error) {
		for {
			if f, err = p.Next(); err != petrichor.ErrShort || len(wire) == 0 {
				break
			}
			p.Feed(wire[:1])
			wire = wire[1:]
		}
		if err == petrichor.ErrShort && p.Buffered() == 0 {
			err = io.EOF
		}
		return f, 0, err
	}
}

// frame adds a frame that begins at base, and says whether all is well with it.
func (s *saying) frame(f petrichor.Frame, base int64) bool {
	// The limits of size have been kept when the frame was cut.
	opts := slices.Concat([]petrichor.Option{petrichor.MaxValues(65_536)}, s.all(), []petrichor.Option{petrichor.MaxSize(999_999_999)})
	var header, body any
	if err := petrichor.Unmarshal(f.Header, &header, opts...); err != nil {
		s.end(err, base)
		return false
	}
	if err := petrichor.Unmarshal(f.Body, &body, opts...); err != nil {
		s.end(err, base+int64(len(f.Header)))
		return false
	}
	s.add(header, body)
	s.write(petrichor.AppendFrame(nil, header, body, s.writing()...))
	return true
}

func (s *saying) first(wire []byte) {
	_, f, err := petrichor.Accept(&stub{r: trickle(wire)}, slices.Concat(s.opts, s.limits)...)
	if err != nil {
		s.end(err, 0)
		return
	}
	if s.frame(f, 0) {
		s.end(nil, 0)
		rest := len(wire) - len(f.Header) - len(f.Body)
		s.Rest = &rest
	}
}

func (s *saying) answer(wire []byte) {
	c := petrichor.NewConn(&stub{r: trickle(wire)}, slices.Concat(s.opts, s.limits)...)
	f, err := c.Request(nil, nil)
	allowed := err == nil
	if err != nil {
		s.end(err, 0)
	} else if s.frame(f, 0) {
		s.end(nil, 0)
	}
	allowed = allowed && s.Verdict == "ok" && petrichor.Allowed(f.Header)
	s.Allowed = &allowed
}

// trickle reads b, a byte at a time.
func trickle(b []byte) io.Reader { return iotest.OneByteReader(bytes.NewReader(b)) }

// A stub is a stream that nobody is at the other end of.
type stub struct{ r io.Reader }

func (s *stub) Read(p []byte) (int, error)  { return s.r.Read(p) }
func (s *stub) Write(p []byte) (int, error) { return len(p), nil }
func (s *stub) Close() error                { return nil }

// write adds to what is written again.
func (s *saying) write(b []byte, err error) {
	if err != nil {
		panic("conform: what was read cannot be written: " + err.Error())
	}
	text := characters(b)
	if s.Canon != nil {
		text = *s.Canon + text
	}
	s.Canon = &text
}

func (s *saying) add(values ...any) {
	text := len(s.opts) > 0 && isText(s.opts)
	for _, v := range values {
		s.Values = append(s.Values, goValue(v, text))
	}
}

// isText reports whether strings are told from text: then text is a Go string.
func isText(opts []petrichor.Option) bool {
	return petrichor.Valid([]byte("0:;"), opts...)
}

// goValue is a value that was unmarshaled into an any.
func goValue(v any, text bool) Value {
	switch v := v.(type) {
	case nil:
		return Value{Type: "null"}
	case bool:
		return boolValue(v)
	case int64, *big.Int:
		return textValue("int", fmt.Sprint(v))
	case float64:
		return textValue("float", floatText(v))
	case []byte:
		return textValue("string", characters(v))
	case string:
		kind := map[bool]string{false: "string", true: "text"}[text]
		return textValue(kind, characters([]byte(v)))
	case []any:
		var list []Value
		for _, inner := range v {
			list = append(list, goValue(inner, text))
		}
		return listValue(list)
	case petrichor.Dict:
		return dictValue(pairsOf(v, text))
	case map[string]any:
		dict := petrichor.Dict{}
		for key, inner := range v {
			dict = append(dict, petrichor.Entry{Key: key, Value: inner})
		}
		return dictValue(pairsOf(dict, text))
	}
	panic(fmt.Sprintf("conform: %T is nothing that is unmarshaled into an any", v))
}

// floatText is f as docs/porting.md has it.
func floatText(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func pairsOf(d petrichor.Dict, text bool) (pairs []pair) {
	for _, e := range d {
		pairs = append(pairs, pair{quoted(characters([]byte(e.Key))), goValue(e.Value, text)})
	}
	return pairs
}
