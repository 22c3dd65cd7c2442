package petrichor

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// The zero Parser and one from NewParser are the same.
func zeroAndNew() map[string]*Parser {
	return map[string]*Parser{"zero": new(Parser), "NewParser": NewParser()}
}

func TestParserFrames(t *testing.T) {
	stream := "0:}5:hello,7:1:a,0:~}0:~0:}3:0:~]"
	want := []Frame{
		{Raw("0:}"), Raw("5:hello,")}, {Raw("7:1:a,0:~}"), Raw("0:~")}, {Raw("0:}"), Raw("3:0:~]")},
	}
	for n := 1; n <= len(stream); n++ {
		for name, p := range zeroAndNew() {
			var got []Frame
			fed := 0
			for _, portion := range portions(n)([]byte(stream)) {
				p.Feed(portion)
				fed += len(portion)
				for {
					f, err := p.Next()
					if err == ErrShort {
						break
					}
					if err != nil {
						t.Fatalf("%s, portions of %d: %v", name, n, err)
					}
					got = append(got, f.Clone())
				}
				out := 0
				for _, f := range got {
					out += len(f.Header) + len(f.Body)
				}
				if p.Buffered() != fed-out {
					t.Errorf("%s, portions of %d: %d buffered of %d fed and %d handed out", name, n, p.Buffered(), fed, out)
				}
			}
			if !sameValue(got, want) || p.Buffered() != 0 {
				t.Errorf("%s, portions of %d: %q, want %q; %d left", name, n, got, want, p.Buffered())
			}
		}
	}
}

// A frame is handed out whole or not at all.
func TestParserTakesBothHalves(t *testing.T) {
	var p Parser
	p.Feed([]byte("0:}5:hel"))
	for range 3 {
		if f, err := p.Next(); err != ErrShort || f.Header != nil || p.Buffered() != 8 {
			t.Fatalf("half a frame: %q, %v, %d buffered", f, err, p.Buffered())
		}
	}
	// Nothing has been taken, so the header is still there to be had.
	if raw, err := p.NextElement(); err != nil || string(raw) != "0:}" {
		t.Errorf("the header by itself: %q, %v", raw, err)
	}
	p.Feed([]byte("lo,"))
	if raw, err := p.NextElement(); err != nil || string(raw) != "5:hello," || p.Buffered() != 0 {
		t.Errorf("the body by itself: %q, %v", raw, err)
	}
}

func TestParserErrorIsFinal(t *testing.T) {
	for _, p := range zeroAndNew() {
		p.Feed([]byte("1:a,x"))
		if raw, err := p.NextElement(); err != nil || string(raw) != "1:a," {
			t.Fatalf("what came before the fault: %q, %v", raw, err)
		}
		_, first := p.NextElement()
		if verdictOf(first) != at(4, ErrSize) {
			t.Fatalf("error %v, want %v at 4", first, ErrSize)
		}
		p.Feed([]byte("1:b,"))
		if _, err := p.NextElement(); err != first {
			t.Errorf("then %v, want the same again", err)
		}
		if _, err := p.Next(); err != first {
			t.Errorf("then %v from Next, want the same again", err)
		}
	}
}

// ErrShort carries no place and is never wrapped.
func TestShortIsAState(t *testing.T) {
	in := "10:1:a,3:0:~]}5:hello,"
	for n := range len(in) {
		p := NewParser()
		p.Feed([]byte(in[:n]))
		if _, err := p.Next(); err != ErrShort {
			t.Errorf("%q: %v, want ErrShort itself", in[:n], err)
		}
		if _, _, err := CutFrame([]byte(in[:n])); err != ErrShort {
			t.Errorf("%q: %v of CutFrame, want ErrShort itself", in[:n], err)
		}
	}
	var syntax *SyntaxError
	if errors.As(ErrShort, &syntax) {
		t.Error("ErrShort is a SyntaxError")
	}
}

// What is fed remains the caller's.
func TestFeedCopies(t *testing.T) {
	b := []byte("5:hello,")
	var p Parser
	p.Feed(b)
	for i := range b {
		b[i] = 'X'
	}
	if raw, err := p.NextElement(); err != nil || string(raw) != "5:hello," {
		t.Errorf("%q, %v", raw, err)
	}
}

// What is handed out is borrowed: the next call shows it to one who keeps it,
// and nobody can append into what comes behind it.
func TestParserLends(t *testing.T) {
	for name, next := range map[string]func(*Parser){
		"NextElement": func(p *Parser) { p.NextElement() },
		"Next":        func(p *Parser) { p.Next() },
		"Feed":        func(p *Parser) { p.Feed([]byte("0:}0:~")) },
		"Feed much":   func(p *Parser) { p.Feed(bytes.Repeat([]byte("0:~"), smallBuffer)) },
	} {
		var p Parser
		p.Feed([]byte("1:a,0:}1:b,0:}1:c,"))
		raw, _ := p.NextElement()
		if string(raw) != "1:a," || cap(raw) != len(raw) {
			t.Fatalf("%q of capacity %d", raw, cap(raw))
		}
		p.Buffered()
		if string(raw) != "1:a," {
			t.Errorf("Buffered ended the loan: %q", raw)
		}
		next(&p)
		if raw[0] != '#' {
			t.Errorf("after %s what was borrowed is %q", name, raw)
		}
	}
	for _, next := range []func(*Parser){func(p *Parser) { p.Next() }, func(p *Parser) { p.Feed(nil) }} {
		var p Parser
		p.Feed([]byte("0:}1:b,0:}1:c,"))
		f, _ := p.Next()
		if cap(f.Header) != len(f.Header) || cap(f.Body) != len(f.Body) {
			t.Errorf("capacities %d and %d of %q", cap(f.Header), cap(f.Body), f)
		}
		kept := f.Clone()
		next(&p)
		if f.Header[0] != '#' || string(kept.Header) != "0:}" || string(kept.Body) != "1:b," {
			t.Errorf("borrowed %q, cloned %q", f, kept)
		}
	}
}

// A buffer that has grown for one large element is let go when it is empty.
func TestParserLetsGo(t *testing.T) {
	var p Parser
	p.Feed([]byte(str(strings.Repeat("x", 1<<20))))
	if raw, err := p.NextElement(); err != nil || len(raw) < 1<<20 {
		t.Fatal(len(raw), err)
	}
	p.Feed([]byte("1:a,"))
	if cap(p.buf) > largeBuffer {
		t.Errorf("%d bytes are kept for 4", cap(p.buf))
	}
	if raw, err := p.NextElement(); err != nil || string(raw) != "1:a," {
		t.Errorf("%q, %v", raw, err)
	}
	// One that has not is kept: thousands of elements, one buffer.
	first := &p.buf[:1][0]
	for range 5000 {
		p.Feed([]byte("5:hello,"))
		if _, err := p.NextElement(); err != nil {
			t.Fatal(err)
		}
	}
	if &p.buf[:1][0] != first || cap(p.buf) > largeBuffer {
		t.Errorf("the buffer was changed, and has %d bytes", cap(p.buf))
	}
}

// Elements and frames in turn, from one Parser.
func TestParserMixed(t *testing.T) {
	var p Parser
	p.Feed([]byte("1:a,0:}1:b,1:c,"))
	a, err := p.NextElement()
	if err != nil || string(a) != "1:a," {
		t.Fatalf("%q, %v", a, err)
	}
	f, err := p.Next()
	if err != nil || string(f.Header) != "0:}" || string(f.Body) != "1:b," {
		t.Fatalf("%q, %v", f, err)
	}
	c, err := p.NextElement()
	if err != nil || string(c) != "1:c," {
		t.Fatalf("%q, %v", c, err)
	}
	if _, err := p.NextElement(); err != ErrShort {
		t.Errorf("at the end: %v", err)
	}
}
