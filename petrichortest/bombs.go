package petrichortest

// Bodies that are small and say that much comes out of them, in the form of
// docs/compression.md.  A header that begins with the key z, and an int, marks them.

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

// bombs are for servers that agree on deflate, and for those that do not.
func bombs() (list []Attack) {
	whole := petrichor.Append(nil, petrichor.KindString, make([]byte, 60_000))
	big := petrichor.Append(nil, petrichor.KindString, make([]byte, 1_000_000))
	for _, c := range []struct {
		name, why string
		frame     func(s *Target) []byte
	}{
		{"a body that inflates beyond the limit", "a limit that counts what arrives, and not what comes out", func(s *Target) []byte {
			body := petrichor.Append(nil, petrichor.KindString, make([]byte, s.maxBody+1))
			return s.marked(len(body), deflated(body))
		}},
		{"a body that inflates a thousand times", "1 KiB of request, 1 MiB of work", func(s *Target) []byte {
			return s.marked(len(big), deflated(big))
		}},
		{"a body that inflates to more than it says", "a size that is believed, or a buffer that grows", func(s *Target) []byte {
			return s.marked(1000, deflated(whole))
		}},
		{"a body that inflates to less than it says", "what is behind it in the buffer is told", func(s *Target) []byte {
			return s.marked(len(whole)+1, deflated(whole))
		}},
		{"a compressed body cut short", "half a body must not look like a shorter one", func(s *Target) []byte {
			b := deflated(whole)
			return s.marked(len(whole), b[:len(b)-5])
		}},
		{"bytes behind a compressed body", "bytes nobody looks at", func(s *Target) []byte {
			return s.marked(len(whole), append(deflated(whole), 'x'))
		}},
		{"two compressed bodies in one", "many small streams go on where one has to end", func(s *Target) []byte {
			return s.marked(2*len(whole), append(deflated(whole), deflated(whole)...))
		}},
		{"a compressed body that is none", "decoders have crashed", func(s *Target) []byte {
			return s.marked(100, bytes.Repeat([]byte{0xff}, 90))
		}},
		{"a window that has not been agreed on", "a decoder that is not there", func(s *Target) []byte {
			header := petrichor.Append(nil, petrichor.KindDict, []byte("1:w,2:20#"))
			return petrichor.Append(header, petrichor.KindString, deflated([]byte("0:}13:hello hello!!,")))
		}},
	} {
		play := func(s *Target) error { return s.cutCompressed(c.frame(s)) }
		list = append(list, Attack{Row: 46, Name: c.name, Why: c.why, Must: Cut, play: play, needs: compresses})
	}
	return append(list,
		Attack{Row: 46, Name: "a compressed body", Why: "limits that refuse what is good", Must: Serve, play: askCompressed, needs: compresses},
		Attack{
			Row: 47, Name: "a compressed body without agreement", Why: "a decoder that anybody can reach, at any time",
			Must: "take it for the bytes that it is", play: compressedUnasked,
		},
	)
}

func compresses(s *Target) bool { return s.compresses }

// marked is a request whose body payload is said to inflate to size bytes.
func (s *Target) marked(size int, payload []byte) []byte {
	request, _, err := petrichor.CutFrame(s.request)
	if err != nil {
		panic("petrichortest: " + err.Error())
	}
	own, _, err := petrichor.Cut(request.Header)
	if err != nil {
		panic("petrichortest: " + err.Error())
	}
	entries := petrichor.Append([]byte("1:z,"), petrichor.KindInt, fmt.Append(nil, size))
	header := petrichor.Append(nil, petrichor.KindDict, append(entries, own.Payload...))
	return petrichor.Append(header, petrichor.KindString, payload)
}

// deflated is b, compressed by itself.
func deflated(b []byte) []byte {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic("petrichortest: " + err.Error())
	}
	w.Write(b) // of a bytes.Buffer there are no errors
	w.Close()
	return out.Bytes()
}

// compressor is a guest with whom the server has agreed on deflate.
func (s *Target) compressor() (*peer, error) {
	p, err := s.stranger()
	if err != nil {
		return nil, err
	}
	answer, err := p.exchange(s.offering())
	var agreed struct {
		Method string `tnet:"compress"`
	}
	if err == nil {
		err = petrichor.Unmarshal(answer.Header, &agreed)
	}
	if err == nil && agreed.Method != "deflate" {
		err = fmt.Errorf("deflate is offered, and answered with %.80q", answer.Header)
	}
	if err != nil {
		p.leave()
		return nil, err
	}
	return p, nil
}

// offering is the first frame, with an offer of deflate.
func (s *Target) offering() []byte {
	first, _, err := petrichor.CutFrame(s.first)
	if err != nil {
		panic("petrichortest: " + err.Error())
	}
	header := petrichor.Header{}
	if err := petrichor.Unmarshal(first.Header, &header); err != nil {
		panic("petrichortest: " + err.Error())
	}
	header["compress"] = []string{"deflate"}
	return encode(header, first.Body)
}

func (s *Target) cutCompressed(frame []byte) error {
	p, err := s.compressor()
	if err != nil {
		return err
	}
	defer p.leave()
	p.send(append(frame, s.request...), false)
	e := p.end(s.patience)
	switch {
	case e.err != nil:
		return e.err
	case answered(e):
		return fmt.Errorf("answered: %.80q", e.answers[0].Header)
	}
	return Cut.judge(e, s, len(frame))
}

func askCompressed(s *Target) error {
	p, err := s.compressor()
	if err != nil {
		return err
	}
	defer p.leave()
	request, _, err := petrichor.CutFrame(s.request)
	if err != nil {
		return err
	}
	_, err = p.exchange(s.marked(len(request.Body), deflated(request.Body)))
	return err
}

func compressedUnasked(s *Target) error {
	p, err := s.guest()
	if err != nil {
		return err
	}
	defer p.leave()
	secret := strings.Repeat("do not inflate this", 100)
	body := petrichor.Append(nil, petrichor.KindString, []byte(secret))
	p.send(s.marked(len(body), deflated(body)), true)
	e := p.end(s.patience)
	if e.err != nil {
		return e.err
	}
	for _, f := range e.answers {
		if bytes.Contains(f.Body, []byte(secret[:100])) {
			return errors.New("it is inflated")
		}
	}
	return nil
}
