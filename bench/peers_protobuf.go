package main

import (
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/petrichor-protocol/petrichor/bench/pb"
	"github.com/petrichor-protocol/petrichor/bench/sample"
)

func protobufCodec(s *subject) *codec {
	own := protobufType(s)
	if own == nil {
		return nil
	}
	return &codec{
		own:     own,
		marshal: func(v any) ([]byte, error) { return proto.Marshal(v.(proto.Message)) },
		appendTo: func(dst []byte, v any) ([]byte, error) {
			return proto.MarshalOptions{}.MarshalAppend(dst, v.(proto.Message))
		},
		unmarshal: func(b []byte, v any) error { return proto.Unmarshal(b, v.(proto.Message)) },
		encoder: func(w io.Writer) encoder {
			return encodeFunc(func(v any) error {
				_, err := protodelim.MarshalTo(w, v.(proto.Message))
				return err
			})
		},
		decoder: func(r io.Reader) decoder {
			in := buffered(r)
			return decodeFunc(func(v any) error {
				return protodelim.UnmarshalOptions{MaxSize: -1}.UnmarshalFrom(in, v.(proto.Message))
			})
		},
	}
}

// A vtMessage is what vtprotobuf adds.
type vtMessage interface {
	SizeVT() int
	MarshalVT() ([]byte, error)
	MarshalToSizedBufferVT(b []byte) (int, error)
	UnmarshalVT(b []byte) error
}

// vtprotobufCodec has no streams.
func vtprotobufCodec(s *subject) *codec {
	own := protobufType(s)
	if own == nil {
		return nil
	}
	return &codec{
		own:     own,
		marshal: func(v any) ([]byte, error) { return v.(vtMessage).MarshalVT() },
		appendTo: func(dst []byte, v any) ([]byte, error) {
			m := v.(vtMessage)
			n := len(dst)
			dst = slices.Grow(dst, m.SizeVT())[:n+m.SizeVT()]
			_, err := m.MarshalToSizedBufferVT(dst[n:])
			return dst, err
		},
		unmarshal: func(b []byte, v any) error { return v.(vtMessage).UnmarshalVT(b) },
	}
}

func protobufType(s *subject) *ownType {
	switch s.target.(type) {
	case *sample.A:
		return messageType(new(pb.A), pbFromA, pbToA)
	case *sample.Event:
		return messageType(new(pb.Event), pbFromEvent, pbToEvent)
	case *sample.Frame:
		return messageType(new(pb.Frame), pbFromFrame, pbToFrame)
	case *[]int64:
		return messageType(new(pb.Ints),
			func(v *[]int64) *pb.Ints { return &pb.Ints{List: *v} }, func(m *pb.Ints) *[]int64 { return &m.List })
	case *[]float64:
		return messageType(new(pb.Floats),
			func(v *[]float64) *pb.Floats { return &pb.Floats{List: *v} }, func(m *pb.Floats) *[]float64 { return &m.List })
	case *[]string:
		return messageType(new(pb.Strings),
			func(v *[]string) *pb.Strings { return &pb.Strings{List: *v} }, func(m *pb.Strings) *[]string { return &m.List })
	case *map[string]string:
		return messageType(new(pb.Map),
			func(v *map[string]string) *pb.Map { return &pb.Map{Map: *v} }, func(m *pb.Map) *map[string]string { return &m.Map })
	}
	return nil
}

// messageType is owns for messages, which must not be copied and have a Reset.
func messageType[Ours any, Theirs proto.Message](target Theirs, from func(*Ours) Theirs, back func(Theirs) *Ours) *ownType {
	reset := any(target).(interface{ Reset() })
	return &ownType{
		from:   func(v any) any { return from(v.(*Ours)) },
		back:   func(v any) any { return back(v.(Theirs)) },
		target: target,
		zero:   reset.Reset,
	}
}

func pbFromA(a *sample.A) *pb.A {
	return &pb.A{
		Name: a.Name, Birthday: a.Birthday.UnixNano(), Phone: a.Phone,
		Siblings: int64(a.Siblings), Spouse: a.Spouse, Money: a.Money,
	}
}

func pbToA(m *pb.A) *sample.A {
	return &sample.A{
		Name: m.Name, Birthday: time.Unix(0, m.Birthday).UTC(), Phone: m.Phone,
		Siblings: int(m.Siblings), Spouse: m.Spouse, Money: m.Money,
	}
}

func pbFromEvent(e *sample.Event) *pb.Event {
	return &pb.Event{Id: e.ID, Kind: e.Kind, User: e.User, Size: int64(e.Size), Ok: e.OK}
}

func pbToEvent(m *pb.Event) *sample.Event {
	return &sample.Event{ID: m.Id, Kind: m.Kind, User: m.User, Size: int(m.Size), OK: m.Ok}
}

func pbFromFrame(f *sample.Frame) *pb.Frame {
	h := f.Header
	return &pb.Frame{
		Header: &pb.Header{Type: h.Type, Id: h.ID, Channel: h.Channel, User: h.User, Seq: int64(h.Seq), Final: h.Final},
		Body:   f.Body,
	}
}

func pbToFrame(m *pb.Frame) *sample.Frame {
	h := m.Header
	return &sample.Frame{
		Header: sample.Header{Type: h.Type, ID: h.Id, Channel: h.Channel, User: h.User, Seq: int(h.Seq), Final: h.Final},
		Body:   m.Body,
	}
}
