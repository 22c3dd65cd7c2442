package petrichor

import (
	"fmt"
	"io"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// Get finds what there is, and is not fooled.
func TestGet(t *testing.T) {
	for _, tt := range []struct {
		reason, in, key string
		opts            []Option
		want            string // "" for no value
		err             verdict
	}{
		{"the first key", tn(KindDict, "1:a,1:1#", "1:b,0:~"), "a", nil, "1:1#", verdict{}},
		{"another", tn(KindDict, "1:a,1:1#", "1:b,0:~"), "b", nil, "0:~", verdict{}},
		{"none", tn(KindDict, "1:a,1:1#"), "b", nil, "", verdict{}},
		{"of an empty dict", "0:}", "a", nil, "", verdict{}},
		{"of null", "0:~", "a", nil, "", verdict{}},
		{"the empty key", tn(KindDict, "0:,0:~"), "", nil, "0:~", verdict{}},
		{"a beginning of a key is not the key", tn(KindDict, "2:ab,1:1#"), "a", nil, "", verdict{}},
		{"a container, which is not looked into", tn(KindDict, "1:a,4:xxxx]"), "a", nil, "4:xxxx]", verdict{}},
		{"nor is what is jumped over", tn(KindDict, "1:a,4:xxxx]", "1:b,0:~"), "b", nil, "0:~", verdict{}},
		{"the same key inside a value", tn(KindDict, "1:a,7:1:b,0:~}", "1:b,1:1#"), "b", nil, "1:1#", verdict{}},

		{"twice", "16:1:a,1:1#1:a,1:2#}", "a", nil, "", verdict{Err: ErrDuplicate, Offset: 13, Path: "/a"}},
		{"twice, allowed", "16:1:a,1:1#1:a,1:2#}", "a", []Option{AllowDuplicateKeys(true)}, "1:2#", verdict{}},
		{"another one twice", tn(KindDict, "1:a,1:1#", "1:a,1:2#", "1:b,1:3#"), "b", nil, "1:3#", verdict{}},
		{"a fault behind it", "12:1:a,1:1#1:b,}", "a", nil, "", verdict{Err: ErrPayload, Offset: 15, Path: "/b"}},
		{"a key that is no string", tn(KindDict, "1:1#0:~"), "1", nil, "", verdict{Err: ErrKey, Offset: 5}},
		{"a value that reaches beyond", tn(KindDict, "1:a,9:~"), "a", nil, "", verdict{Err: ErrSize, Offset: 6, Path: "/a"}},
		{"a tag that is none", tn(KindDict, "1:a,0:x"), "a", nil, "", verdict{Err: ErrKind, Offset: 8, Path: "/a"}},
		{"a list", "3:0:~]", "a", nil, "", verdict{Offset: 2, Kind: KindList, Type: walked[KindDict]}},
		{"a null that is none", "1:x~", "a", nil, "", verdict{Err: ErrPayload, Offset: 2}},
		{"bytes behind it", "0:}x", "a", nil, "", verdict{Err: ErrTrailing, Offset: 3}},
		{"nothing", "", "a", nil, "", verdict{Err: io.ErrUnexpectedEOF}},
		{"larger than the limit", "8:1:a,1:1#}", "a", []Option{MaxSize(7)}, "", verdict{Err: ErrTooLarge, Offset: 1}},
		{"a text for a key", "8:1:a;1:1#}", "a", nil, "", verdict{Err: ErrKind, Offset: 5}},
		{"a text for a key, allowed", "8:1:a;1:1#}", "a", []Option{AllowText(true)}, "1:1#", verdict{}},
		{"a text and a string of one spelling", "16:1:a;1:1#1:a,1:2#}", "a", []Option{AllowText(true)}, "", verdict{Err: ErrDuplicate, Offset: 13, Path: "/a"}},
		{"a text that is none", "8:1:\xff;1:1#}", "a", []Option{AllowText(true)}, "", verdict{Err: ErrPayload, Offset: 4}},
		{"a loose size", "9:01:a,1:1#}", "a", nil, "", verdict{Err: ErrSize, Offset: 3}},
		{"a loose size, allowed", "9:01:a,1:1#}", "a", []Option{AllowLoose(true)}, "1:1#", verdict{}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			in := Raw(tt.in)
			got, err := in.Get(tt.key, tt.opts...)
			if string(got) != tt.want || (got == nil) != (tt.want == "") || verdictOf(err) != tt.err {
				t.Fatalf("%q: %q, %v (%+v); want %q, %+v", tt.in, got, err, verdictOf(err), tt.want, tt.err)
			}
			if cap(got) != len(got) {
				t.Errorf("%d bytes of capacity for %d", cap(got), len(got))
			}
		})
	}
	if got, err := Raw(nil).Get("a"); got != nil || err != nil {
		t.Errorf("a nil Raw: %q, %v", got, err)
	}
}

func TestEntriesAndElements(t *testing.T) {
	for _, tt := range []struct {
		reason, in string
		opts       []Option
		want       string
		err        verdict
	}{
		{"in their order", "16:1:b,1:1#1:a,1:2#}", nil, "b=1:1# a=1:2# ", verdict{}},
		{"none", "0:}", nil, "", verdict{}},
		{"of null", "0:~", nil, "", verdict{}},
		{"twice", tn(KindDict, "1:b,1:1#", "1:a,1:2#", "1:b,1:3#"), nil, "b=1:1# a=1:2# ", verdict{Err: ErrDuplicate, Offset: 21, Path: "/b"}},
		{"twice, allowed", "16:1:a,1:1#1:a,1:2#}", []Option{AllowDuplicateKeys(true)}, "a=1:1# a=1:2# ", verdict{}},
		{"a fault after the first", "12:1:a,1:1#1:b,}", nil, "a=1:1# ", verdict{Err: ErrPayload, Offset: 15, Path: "/b"}},
		{"a list", "3:0:~]", nil, "", verdict{Offset: 2, Kind: KindList, Type: walked[KindDict]}},
	} {
		got := ""
		var err error
		for e, entryErr := range Raw(tt.in).Entries(tt.opts...) {
			if err = entryErr; err == nil {
				got += fmt.Sprintf("%s=%s ", e.Key, e.Value)
			}
		}
		if got != tt.want || verdictOf(err) != tt.err {
			t.Errorf("%s: %q, %v; want %q, %+v", tt.reason, got, err, tt.want, tt.err)
		}
	}
	for _, tt := range []struct {
		reason, in, want string
		err              verdict
	}{
		{"in their order", tn(KindList, "1:b,", "0:]", "1:1#"), "1:b, 0:] 1:1# ", verdict{}},
		{"none", "0:]", "", verdict{}},
		{"of null", "0:~", "", verdict{}},
		{"a fault after the first", tn(KindList, "0:~", "9:"), "0:~ ", verdict{Err: ErrSize, Offset: 5, Path: "/1"}},
		{"a dict", "0:}", "", verdict{Offset: 2, Kind: KindDict, Type: walked[KindList]}},
	} {
		got := ""
		var err error
		for el, elErr := range Raw(tt.in).Elements() {
			if err = elErr; err == nil {
				got += string(el) + " "
			}
		}
		if got != tt.want || verdictOf(err) != tt.err {
			t.Errorf("%s: %q, %v; want %q, %+v", tt.reason, got, err, tt.want, tt.err)
		}
	}
	for range Raw("6:0:~0:~]").Elements() {
		break // which must not go on
	}
	for range Raw("16:1:b,1:1#1:a,1:2#}").Entries() {
		break
	}
	for e, err := range Raw(nil).Entries() {
		t.Errorf("a nil Raw: %v, %v", e, err)
	}
}

// Without options a walk allocates nothing, whatever it finds and jumps over.
func TestWalkAllocatesNothing(t *testing.T) {
	if limitRace {
		t.Skip("the race detector allocates")
	}
	header := Raw(must(Marshal(&benchH)))
	list := Raw(must(Marshal([]any{1, "a", largeContent(1 << 20)})))
	for what, walk := range map[string]func() int{
		"Get": func() int { return len(must(header.Get("id"))) },
		"Entries": func() (n int) {
			for e, err := range header.Entries() {
				n += len(must(e.Key, err))
			}
			return n
		},
		"Elements": func() (n int) {
			for el, err := range list.Elements() {
				n += len(must(el, err))
			}
			return n
		},
	} {
		if walk() == 0 {
			t.Errorf("%s finds nothing", what)
		}
		if n := testing.AllocsPerRun(100, func() { walk() }); n > 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// A dict of many keys is walked in linear time, however they are spelled.
func TestWalkIsLinear(t *testing.T) {
	for _, ascending := range []bool{true, false} {
		b := Raw(limitKeys(ascending)(1 << 20))
		n := 0
		for _, err := range b.Entries() {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n < 1000 {
			t.Errorf("%d entries", n)
		}
		limitEventually(t, 20, func() error {
			took := limitFastest(1, func() {
				for range b.Entries() {
					continue
				}
			})
			if perByte := float64(took) / float64(len(b)); perByte > 100 && !limitSlow {
				return fmt.Errorf("%.1f ns a byte", perByte)
			}
			return nil
		})
	}
}

// walkAll walks b all the way down, as one would who wants everything, and returns what Unmarshal
// makes of it, or the first fault.
func walkAll(b Raw, opts []Option) (v any, err error) {
	el, _, err := Cut(b, opts...)
	if err != nil {
		return nil, err
	}
	at := payloadAt(el, int64(len(b)))
	switch el.Kind {
	case KindList:
		list := []any{}
		for inner, err := range b.Elements(opts...) {
			if err == nil {
				v, err = walkAll(inner, opts)
				err = shift(err, at)
			}
			if err != nil {
				return nil, err
			}
			at += int64(len(inner))
			list = append(list, v)
		}
		return list, nil
	case KindDict:
		dict := Dict{}
		for e, err := range b.Entries(opts...) {
			if err == nil {
				_, rest, _ := Cut(b[at:], opts...)
				at = int64(len(b) - len(rest))
				v, err = walkAll(e.Value, opts)
				err = shift(err, at)
			}
			if err != nil {
				return nil, err
			}
			at += int64(len(e.Value))
			dict = append(dict, Entry{Key: string(e.Key), Value: v})
		}
		return dict, nil
	}
	return v, Unmarshal(b, &v, opts...)
}

// withoutKinds forgets with which tag a key was written, which a walk does not say.
func withoutKinds(v any) any {
	switch v := v.(type) {
	case Dict:
		for i := range v {
			v[i].KeyKind, v[i].Value = 0, withoutKinds(v[i].Value)
		}
	case []any:
		for i := range v {
			v[i] = withoutKinds(v[i])
		}
	}
	return v
}

// What a walk all the way down sees is what Unmarshal makes, and its first fault is Unmarshal's; Get
// finds the value that Unmarshal leaves under a key.
func FuzzWalkSeesWhatUnmarshalSees(f *testing.F) {
	fuzzSeed(f, func(b []byte) {
		f.Add(b, uint16(0))
		f.Add(b, uint16(fuzzText|fuzzLoose|fuzzDuplicates))
	})
	f.Add([]byte("12:5:1e999^1:x#]"), uint16(0)) // a walk ends at the float, which is no fault
	f.Fuzz(func(t *testing.T, b []byte, bits uint16) {
		if len(b) > fuzzLong {
			return
		}
		opts := append(fuzzOptions(bits), MaxDepth(deepest), MaxValues(math.MaxInt), KeepOrder(true))
		walkAgrees(t, b, opts)
	})
}

func walkAgrees(t interface{ Fatalf(string, ...any) }, b Raw, opts []Option) {
	var want any
	wantErr := Unmarshal(b, &want, opts...)
	_, misfit := wantErr.(*TypeError)
	if el, err := onSlice(opts).cutAll(b); misfit || err != nil || el.Kind != KindDict && el.Kind != KindList {
		return // a float that no float64 holds comes after all faults; what is not a container has no layer
	}
	got, err := walkAll(b, opts)
	if float, ok := err.(*TypeError); ok && verdictOf(wantErr).Offset > float.Offset {
		return // likewise: a walk comes to the float before it comes to the fault
	}
	if !sameFault(err, wantErr) || err == nil && !fuzzSame(got, withoutKinds(want)) {
		t.Fatalf("%q: a walk sees %#v, %v; Unmarshal %#v, %v", b, got, err, want, wantErr)
	}
	dict, ok := got.(Dict)
	if !ok || err != nil {
		return
	}
	for _, e := range dict {
		var value any
		raw, err := b.Get(e.Key, opts...)
		if err == nil {
			err = Unmarshal(raw, &value, opts...)
		}
		if last, _ := dict.Get(e.Key); err != nil || !fuzzSame(withoutKinds(value), last) {
			t.Fatalf("%q: under %q is %#v, %v; want %#v", b, e.Key, value, err, last)
		}
	}
}

// sameFault compares what faults are and where they lie; a path is known from the top, which a walk
// of parts has forgotten.
func sameFault(a, b error) bool {
	va, vb := verdictOf(a), verdictOf(b)
	return va.Err == vb.Err && va.Offset == vb.Offset
}

func TestPropWalkSeesWhatUnmarshalSees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := genDamaged().Draw(t, "b")
		walkAgrees(t, b, []Option{KeepOrder(true)})
		walkAgrees(t, b, []Option{KeepOrder(true), AllowDuplicateKeys(true), AllowText(true)})
	})
}
