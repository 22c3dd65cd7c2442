package main

import (
	"io"

	"github.com/petrichor-protocol/petrichor/bench/hand"
	"github.com/petrichor-protocol/petrichor/bench/sample"
)

func handCodec(s *subject) *codec {
	switch s.target.(type) {
	case *sample.A:
		return byHand(hand.MarshalA, hand.AppendA, hand.ParseA)
	case *sample.Event:
		return byHand(hand.MarshalEvent, hand.AppendEvent, hand.ParseEvent)
	case *sample.Frame:
		return byHand(hand.MarshalFrame, hand.AppendFrame, hand.ParseFrame)
	case *sample.FrameMap:
		return byHand(hand.MarshalFrameMap, hand.AppendFrameMap, hand.ParseFrameMap)
	case *[]int64:
		return byHand(nil, hand.AppendInts, hand.ParseInts)
	case *[]float64:
		return byHand(nil, hand.AppendFloats, hand.ParseFloats)
	case *[]string:
		return byHand(nil, hand.AppendStrings, hand.ParseStrings)
	case *map[string]string:
		return byHand(nil, hand.AppendStringMap, hand.ParseStringMap)
	}
	return nil
}

// byHand makes a codec of three functions; where there is no Marshal, it is append to nil.
func byHand[T any](marshal func(*T) []byte, appendTo func([]byte, *T) []byte, parse func([]byte, *T) error) *codec {
	if marshal == nil {
		marshal = func(v *T) []byte { return appendTo(nil, v) }
	}
	return &codec{
		marshal:   func(v any) ([]byte, error) { return marshal(v.(*T)), nil },
		appendTo:  func(dst []byte, v any) ([]byte, error) { return appendTo(dst, v.(*T)), nil },
		unmarshal: func(b []byte, v any) error { return parse(b, v.(*T)) },
		encoder:   func(w io.Writer) encoder { return hand.NewEncoder(w, appendTo) },
		decoder:   func(r io.Reader) decoder { return hand.NewDecoder(r, parse) },
	}
}
