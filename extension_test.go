package petrichor

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func extensionOf(key string, names ...string) Extension {
	x := Extension{Key: key}
	for _, name := range names {
		x.Choices = append(x.Choices, Choice{name, func(Limits) Filter {
			if name == "full" {
				return nil
			}
			return connFilter{name, new([]string)}
		}})
	}
	return x
}

func namesOf(filters []Filter) (names []string) {
	for _, f := range filters {
		names = append(names, f.(connFilter).name)
	}
	return names
}

func TestExtensionsAreOffered(t *testing.T) {
	opts := WithExtensions(extensionOf("x", "a", "b"), extensionOf("y", "c"))
	raw, err := Offer(Header{"user": "zed"}, opts)
	if want := "39:4:user,3:zed,1:x,8:1:a,1:b,]1:y,4:1:c,]}"; err != nil || string(raw) != want {
		t.Errorf("%s, %v; want %s", raw, err, want)
	}
	if raw, err := Offer(nil); err != nil || string(raw) != "0:}" {
		t.Errorf("no extensions: %s, %v", raw, err)
	}
	if _, err := Offer(Header{"x": 1}, opts); !errors.Is(err, ErrDuplicate) {
		t.Errorf("the key is there already: %v", err)
	}
	if _, err := Offer(1, opts); !errors.Is(err, ErrHeader) {
		t.Errorf("no dict: %v", err)
	}
}

func TestExtensionsAreChosen(t *testing.T) {
	for _, test := range []struct{ name, first, want string }{
		{"the peer's best", "15:1:x,8:1:b,1:a,]}", "b"},
		{"what we have", "15:1:x,8:1:q,1:a,]}", "a"},
		{"what is not full", "19:1:x,11:4:full,1:a,]}", "a"},
		{"text", "15:1:x;8:1:b;1:a;]}", "b"},
		{"nothing we have", "11:1:x,4:1:q,]}", ""},
		{"nothing", "0:}", ""},
		{"no list", "8:1:x,1:a,}", ""},
		{"a list of something else", "15:1:x,8:1:a,1:1#]}", ""},
		{"a list that is malformed", "13:1:x,6:1:a,9:]}", ""},
		{"twice", "22:1:x,4:1:a,]1:x,4:1:b,]}", ""},
		{"malformed", "3:1:x}", ""},
	} {
		answer, filters := Choose(Raw(test.first), WithExtensions(extensionOf("x", "a", "b", "full")))
		name, _ := answer["x"].([]byte)
		if got := strings.Join(namesOf(filters), " "); got != test.want || string(name) != test.want || len(answer) > 1 {
			t.Errorf("%s: %q with %q; want %s", test.name, answer, got, test.want)
		}
	}
}

func TestExtensionsAreAgreedOn(t *testing.T) {
	for _, test := range []struct {
		name, answer, want string
		fails              bool
	}{
		{"chosen", "8:1:x,1:b,}", "b", false},
		{"both, in our order", "16:1:y,1:c,1:x,1:b,}", "b c", false},
		{"none", "0:}", "", false},
		{"not offered", "8:1:x,1:q,}", "", true},
		{"an echo of the offer", "15:1:x,8:1:a,1:b,]}", "", false},
		{"denied", "26:7:allowed,5:false!1:x,1:a,}", "", false},
	} {
		filters, err := Agree(Raw(test.answer), WithExtensions(extensionOf("x", "a", "b"), extensionOf("y", "c")))
		if got := strings.Join(namesOf(filters), " "); got != test.want || (err != nil) != test.fails {
			t.Errorf("%s: %q, %v; want %q", test.name, got, err, test.want)
		}
	}
}

// Greet offers, Allow chooses, and what they agree on stands behind the filters of the
// options: nearer to the peer.
func TestConnsAgree(t *testing.T) {
	opts := []Option{WithFilters(connFilter{"f", new([]string)}), WithExtensions(extensionOf("x", "a", "b"))}
	greets := func(stream *connStream) (*Conn, error) {
		c := NewConn(stream, opts...)
		_, err := c.Greet(Header{"user": "zed"}, nil)
		return c, err
	}
	accepts := func(stream *connStream) (*Conn, error) {
		c, _, err := Accept(stream, opts...)
		if err != nil {
			return nil, err
		}
		return c, c.Allow(Header{"motd": "hi", "x": "mine"}, nil)
	}
	const offer = "28:4:user,3:zed,1:x,8:1:a,1:b,]}0:~"
	for _, test := range []struct {
		name              string
		begin             func(*connStream) (*Conn, error)
		first, sent, body string
	}{
		{"what was offered is chosen", greets, "8:1:x,1:b,}0:~", offer, "15:1:b,8:1:f,1:1#]]"},
		{"nothing is chosen", greets, "0:}0:~", offer, "8:1:f,1:1#]"},
		{"denied", greets, "26:7:allowed,5:false!1:x,1:a,}0:~", offer, "8:1:f,1:1#]"},
		{
			"the best of what is offered, whatever the header says", accepts, "15:1:x,8:1:q,1:b,]}0:~",
			"37:7:allowed,4:true!4:motd,2:hi,1:x,1:b,}0:~", "15:1:b,8:1:f,1:1#]]",
		},
		{
			"nothing is offered", accepts, "0:}0:~",
			"40:7:allowed,4:true!4:motd,2:hi,1:x,4:mine,}0:~", "8:1:f,1:1#]",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream := &connStream{in: []byte(test.first + "0:}" + test.body)}
			c, err := test.begin(stream)
			if err != nil || stream.out.String() != test.sent {
				t.Fatalf("%s, %v; want %s", &stream.out, err, test.sent)
			}
			if f, err := c.Recv(); err != nil || connText(f) != "0:}1:1#" {
				t.Errorf("received %s, %v", connText(f), err)
			}
			stream.out.Reset()
			if err := c.Send(nil, 1); err != nil || stream.out.String() != "0:}"+test.body {
				t.Errorf("sent %s, %v; want %s", &stream.out, err, test.body)
			}
		})
	}
}

func TestConnsDoNotAgree(t *testing.T) {
	x := WithExtensions(extensionOf("x", "a"))
	stream := new(connStream)
	if _, err := NewConn(stream, x).Greet(Header{"x": 1}, nil); !errors.Is(err, ErrDuplicate) || stream.writes > 0 {
		t.Errorf("the key is there already: %v, %d writes", err, stream.writes)
	}
	stream = &connStream{in: []byte("8:1:x,1:q,}0:~0:}0:~")}
	c := NewConn(stream, x)
	if _, err := c.Greet(nil, nil); err == nil || !strings.Contains(err.Error(), `"q" as x`) {
		t.Errorf("the answer chooses what was not offered: %v", err)
	}
	if _, err := c.Recv(); err != ErrNotAllowed {
		t.Errorf("and frames are received all the same: %v", err)
	}
}

// A filter that makes much of a frame asks for the memory first, beside that of what was
// read, and it is given back when the next frame comes.
func TestFiltersHoldWhatTheyMake(t *testing.T) {
	const buffer, made = pooledBuffer, pooledBuffer + 2*100_000
	for _, test := range []struct {
		reason, frames string
		most           int
		want           []int // bytes asked for
		err            error
	}{
		{"little is not asked for", "0:}3:few,", 1 << 20, []int{buffer}, nil},
		{"twice, beside the buffer", "0:}4:much,", 1 << 20, []int{buffer, made}, nil},
		{"once for each frame", "0:}4:much,0:}4:much,", 1 << 20, []int{buffer, made, buffer, made}, nil},
		{"given back with the next", "0:}4:much,0:}3:few,0:}3:few,", 1 << 20, []int{buffer, made, buffer}, nil},
		{"or refused", "0:}4:much,0:}3:few,", 100_000, []int{buffer, made}, errConn},
	} {
		t.Run(test.reason, func(t *testing.T) {
			stream := &connHolder{connWaiter: connWaiter{pieces: []string{"8:1:x,1:a,}0:~"}}, most: test.most, hold: func(int, int) {}}
			c := NewConn(stream, WithExtensions(Extension{"x", []Choice{{"a", connMaker}}}))
			if _, err := c.Greet(nil, nil); err != nil {
				t.Fatal(err)
			}
			var asked []int
			stream.pieces = []string{test.frames}
			stream.hold = func(_, use int) {
				if use == made && c.out.pending != nil {
					t.Error("what is queued waits too")
				}
				if use > 0 {
					asked = append(asked, use)
				}
			}
			for range strings.Count(test.frames, "}") {
				c.Queue(nil, "y")
				if _, err := c.Recv(); err != test.err {
					t.Errorf("%v; want %v", err, test.err)
				}
			}
			if !slices.Equal(asked, test.want) {
				t.Errorf("asked for %d; want %d", asked, test.want)
			}
		})
	}
	if l := onStream(nil).limits(nil); l.Hold != nil {
		t.Error("where there is no Conn nobody counts")
	}
}

// connMaker returns a filter that makes 100,000 bytes of much.
func connMaker(l Limits) Filter {
	pass := func(f Frame) (Frame, error) { return f, nil }
	return connBroken{pass, func(f Frame) (Frame, error) {
		if string(f.Body) != "4:much," {
			return f, l.Hold(smallBuffer)
		}
		return f, l.Hold(100_000)
	}}
}

// A frame that a filter has seen and that is not sent leaves the filter out of step.
func TestNothingIsSentAfterAFilterIsOutOfStep(t *testing.T) {
	pass := func(f Frame) (Frame, error) { return f, nil }
	fail := func(Frame) (Frame, error) { return Frame{}, errConn }
	stream := new(connStream)
	c := NewConn(stream, WithFilters(connBroken{pass, pass}, connBroken{fail, pass}))
	for range 2 {
		if err := c.Send(nil, "x"); err != errConn {
			t.Errorf("%v; want %v", err, errConn)
		}
	}
	if err := c.Flush(); err != errConn || stream.writes > 0 {
		t.Errorf("%v, %d writes", err, stream.writes)
	}
}
