package main

import (
	"slices"
	"time"

	"github.com/deneonet/benc"
	bstd "github.com/deneonet/benc/std"
	"github.com/mus-format/mus-go/ord"
	"github.com/mus-format/mus-go/raw"
	"github.com/mus-format/mus-go/varint"

	"github.com/petrichor-protocol/petrichor/bench/sample"
)

// mus and benc write fields one after the other, without names or types: reader and writer have to be
// of one version.  What they take is a limit of what binary forms can do.  The code here is what their
// generators write.

func sized[T any](size func(*T) int, put func(*T, []byte), get func(*T, []byte) error) *codec {
	return &codec{
		marshal: func(v any) ([]byte, error) {
			b := make([]byte, size(v.(*T)))
			put(v.(*T), b)
			return b, nil
		},
		appendTo: func(dst []byte, v any) ([]byte, error) {
			from, n := len(dst), size(v.(*T))
			dst = slices.Grow(dst, n)[:from+n]
			put(v.(*T), dst[from:])
			return dst, nil
		},
		unmarshal: func(b []byte, v any) error { return get(v.(*T), b) },
	}
}

func musCodec(s *subject) *codec {
	switch s.target.(type) {
	case *sample.A:
		return sized(musSizeA, musPutA, musGetA)
	case *sample.Event:
		return sized(musSizeEvent, musPutEvent, musGetEvent)
	}
	return nil
}

func musSizeA(a *sample.A) int {
	return ord.String.Size(a.Name) + raw.TimeUnixNanoUTC.Size(a.Birthday) + ord.String.Size(a.Phone) +
		varint.Int.Size(a.Siblings) + ord.Bool.Size(a.Spouse) + raw.Float64.Size(a.Money)
}

func musPutA(a *sample.A, b []byte) {
	n := ord.String.Marshal(a.Name, b)
	n += raw.TimeUnixNanoUTC.Marshal(a.Birthday, b[n:])
	n += ord.String.Marshal(a.Phone, b[n:])
	n += varint.Int.Marshal(a.Siblings, b[n:])
	n += ord.Bool.Marshal(a.Spouse, b[n:])
	raw.Float64.Marshal(a.Money, b[n:])
}

func musGetA(a *sample.A, b []byte) (err error) {
	var n int
	if a.Name, n, err = ord.String.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if a.Birthday, n, err = raw.TimeUnixNanoUTC.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if a.Phone, n, err = ord.String.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if a.Siblings, n, err = varint.Int.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if a.Spouse, n, err = ord.Bool.Unmarshal(b); err != nil {
		return err
	}
	a.Money, _, err = raw.Float64.Unmarshal(b[n:])
	return err
}

func musSizeEvent(e *sample.Event) int {
	return varint.Int64.Size(e.ID) + ord.String.Size(e.Kind) + ord.String.Size(e.User) +
		varint.Int.Size(e.Size) + ord.Bool.Size(e.OK)
}

func musPutEvent(e *sample.Event, b []byte) {
	n := varint.Int64.Marshal(e.ID, b)
	n += ord.String.Marshal(e.Kind, b[n:])
	n += ord.String.Marshal(e.User, b[n:])
	n += varint.Int.Marshal(e.Size, b[n:])
	ord.Bool.Marshal(e.OK, b[n:])
}

func musGetEvent(e *sample.Event, b []byte) (err error) {
	var n int
	if e.ID, n, err = varint.Int64.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if e.Kind, n, err = ord.String.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if e.User, n, err = ord.String.Unmarshal(b); err != nil {
		return err
	}
	b = b[n:]
	if e.Size, n, err = varint.Int.Unmarshal(b); err != nil {
		return err
	}
	e.OK, _, err = ord.Bool.Unmarshal(b[n:])
	return err
}

func bencCodec(s *subject) *codec {
	switch s.target.(type) {
	case *sample.A:
		return sized(bencSizeA, bencPutA, bencGetA)
	case *sample.Event:
		return sized(bencSizeEvent, bencPutEvent, bencGetEvent)
	}
	return nil
}

func bencSizeA(a *sample.A) int {
	return bstd.SizeString(a.Name) + bstd.SizeInt64() + bstd.SizeString(a.Phone) +
		bstd.SizeInt(a.Siblings) + bstd.SizeBool() + bstd.SizeFloat64()
}

func bencPutA(a *sample.A, b []byte) {
	n := bstd.MarshalString(0, b, a.Name)
	n = bstd.MarshalInt64(n, b, a.Birthday.UnixNano())
	n = bstd.MarshalString(n, b, a.Phone)
	n = bstd.MarshalInt(n, b, a.Siblings)
	n = bstd.MarshalBool(n, b, a.Spouse)
	bstd.MarshalFloat64(n, b, a.Money)
}

func bencGetA(a *sample.A, b []byte) error {
	var nanos int64
	n, err := 0, error(nil)
	if n, a.Name, err = bstd.UnmarshalString(n, b); err != nil {
		return err
	}
	if n, nanos, err = bstd.UnmarshalInt64(n, b); err != nil {
		return err
	}
	a.Birthday = time.Unix(0, nanos).UTC()
	if n, a.Phone, err = bstd.UnmarshalString(n, b); err != nil {
		return err
	}
	if n, a.Siblings, err = bstd.UnmarshalInt(n, b); err != nil {
		return err
	}
	if n, a.Spouse, err = bstd.UnmarshalBool(n, b); err != nil {
		return err
	}
	n, a.Money, err = bstd.UnmarshalFloat64(n, b)
	return bencEnd(n, b, err)
}

func bencSizeEvent(e *sample.Event) int {
	return bstd.SizeInt64() + bstd.SizeString(e.Kind) + bstd.SizeString(e.User) + bstd.SizeInt(e.Size) + bstd.SizeBool()
}

func bencPutEvent(e *sample.Event, b []byte) {
	n := bstd.MarshalInt64(0, b, e.ID)
	n = bstd.MarshalString(n, b, e.Kind)
	n = bstd.MarshalString(n, b, e.User)
	n = bstd.MarshalInt(n, b, e.Size)
	bstd.MarshalBool(n, b, e.OK)
}

func bencGetEvent(e *sample.Event, b []byte) error {
	n, err := 0, error(nil)
	if n, e.ID, err = bstd.UnmarshalInt64(n, b); err != nil {
		return err
	}
	if n, e.Kind, err = bstd.UnmarshalString(n, b); err != nil {
		return err
	}
	if n, e.User, err = bstd.UnmarshalString(n, b); err != nil {
		return err
	}
	if n, e.Size, err = bstd.UnmarshalInt(n, b); err != nil {
		return err
	}
	n, e.OK, err = bstd.UnmarshalBool(n, b)
	return bencEnd(n, b, err)
}

func bencEnd(n int, b []byte, err error) error {
	if err == nil && n < len(b) {
		return benc.ErrVerifyUnmarshal
	}
	return err
}
