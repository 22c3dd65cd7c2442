package main

import (
	"io"
	"reflect"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// unlimited is what the limits of a Decoder are set to, so that large subjects pass.  They are
// counted as ever.
var unlimited = []petrichor.Option{petrichor.MaxSize(999_999_999), petrichor.MaxValues(1 << 30)}

func petrichorCodec() *codec {
	return &codec{
		marshal:   func(v any) ([]byte, error) { return petrichor.Marshal(v) },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return petrichor.MarshalAppend(dst, v) },
		unmarshal: func(b []byte, v any) error { return petrichor.Unmarshal(b, v) },
		encoder:   func(w io.Writer) encoder { return petrichor.NewEncoder(w) },
		decoder:   func(r io.Reader) decoder { return petrichor.NewDecoder(r, unlimited...) },
	}
}

// framesCodec carries a Frame as what it is, two elements one after the other, where the others have
// a dict of two.
func framesCodec(s *subject) *codec {
	switch s.target.(type) {
	case *sample.Frame:
		return frames(func(f *sample.Frame) (header, body any) { return &f.Header, &f.Body })
	case *sample.FrameMap:
		return frames(func(f *sample.FrameMap) (header, body any) { return &f.Header, &f.Body })
	}
	return nil
}

func frames[T any](halves func(*T) (header, body any)) *codec {
	return &codec{
		marshal: func(v any) ([]byte, error) {
			header, body := halves(v.(*T))
			return petrichor.AppendFrame(nil, header, body)
		},
		appendTo: func(dst []byte, v any) ([]byte, error) {
			header, body := halves(v.(*T))
			return petrichor.AppendFrame(dst, header, body)
		},
		unmarshal: func(b []byte, v any) error {
			header, body := halves(v.(*T))
			f, _, err := petrichor.CutFrame(b)
			if err == nil {
				err = petrichor.Unmarshal(f.Header, header)
			}
			if err == nil {
				err = petrichor.Unmarshal(f.Body, body)
			}
			return err
		},
		encoder: func(w io.Writer) encoder {
			e := petrichor.NewEncoder(w)
			return encodeFunc(func(v any) error {
				header, body := halves(v.(*T))
				return e.WriteFrame(header, body)
			})
		},
		decoder: func(r io.Reader) decoder {
			d := petrichor.NewDecoder(r, unlimited...)
			return decodeFunc(func(v any) error {
				header, body := halves(v.(*T))
				if err := d.Decode(header); err != nil {
					return err
				}
				return d.Decode(body)
			})
		},
		drain: func(r io.Reader) decoder {
			d := petrichor.NewDecoder(r, unlimited...)
			return decodeFunc(func(v any) error {
				raw, body, err := d.NextFrame()
				if err != nil {
					return err
				}
				header, _ := halves(v.(*T))
				if err := petrichor.Unmarshal(raw, header); err != nil {
					return err
				}
				_, err = io.Copy(discard{}, body)
				return err
			})
		},
	}
}

// memcpyCodec copies what petrichor writes and looks at nothing: to a slice of the right size, to one
// that is reused, and from a reader to a new one.
func memcpyCodec(s *subject) *codec {
	var target, dst []byte
	next := 0 // of sizes
	sizes := make([]int, len(s.values))
	for i, v := range s.values {
		b, err := petrichor.Marshal(v)
		must(err)
		sizes[i] = len(b)
	}
	return &codec{
		own: &ownType{
			from: func(v any) any {
				b, err := petrichor.Marshal(v)
				must(err)
				return &b
			},
			back: func(v any) any {
				made := reflect.New(reflect.TypeOf(s.target).Elem()).Interface()
				must(petrichor.Unmarshal(*v.(*[]byte), made))
				return made
			},
			target: &target,
			zero:   func() { target = target[:0] },
		},
		marshal:   func(v any) ([]byte, error) { return append([]byte(nil), *v.(*[]byte)...), nil },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return append(dst, *v.(*[]byte)...), nil },
		unmarshal: func(b []byte, _ any) error { target = append(target, b...); return nil },
		encoder: func(w io.Writer) encoder {
			return encodeFunc(func(v any) error {
				dst = append(dst[:0], *v.(*[]byte)...)
				_, err := w.Write(dst)
				return err
			})
		},
		decoder: func(r io.Reader) decoder {
			next = 0
			return decodeFunc(func(any) error {
				target = make([]byte, sizes[next%len(sizes)])
				next++
				_, err := io.ReadFull(r, target)
				return err
			})
		},
	}
}
