package petrichor

// Real files: seven dumps of mitmproxy, of formats from 0.10 to 21, and 93
// header dicts with a newline behind each.

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// A dump is what expected.json says of one file.
type dump struct {
	File       string
	Bytes      int
	SHA256     string
	Values     int
	ValueEnds  []int64 `json:"value_ends"`
	Tags       map[string]int
	KeyTags    map[string]int `json:"key_tags"`
	MaxDepth   int            `json:"max_depth"`
	InOrder    bool           `json:"reencodes_in_order"`
	WithSorted bool           `json:"reencodes_with_sorted_keys"`

	bytes []byte
}

func readDumps(t testing.TB) []dump {
	t.Helper()
	var expected struct{ Files []dump }
	folder := "testdata/interop/mitmproxy"
	if err := json.Unmarshal(sure(os.ReadFile(filepath.Join(folder, "expected.json"))), &expected); err != nil {
		t.Fatal(err)
	}
	for i := range expected.Files {
		d := &expected.Files[i]
		d.bytes = sure(os.ReadFile(filepath.Join(folder, d.File)))
	}
	if files := sure(filepath.Glob(filepath.Join(folder, "*.mitm"))); len(files) != 7 || len(expected.Files) != 7 {
		t.Fatalf("%d dumps, %d expected, want 7", len(files), len(expected.Files))
	}
	return expected.Files
}

func TestDumps(t *testing.T) {
	for _, d := range readDumps(t) {
		t.Run(d.File, func(t *testing.T) {
			if sum := sha256.Sum256(d.bytes); hex.EncodeToString(sum[:]) != d.SHA256 || len(d.bytes) != d.Bytes {
				t.Fatalf("not the file that is expected: %d bytes, SHA-256 %x", len(d.bytes), sum)
			}
			for _, r := range readers {
				t.Run(r.name, func(t *testing.T) { d.read(t, r.of(d.bytes)) })
			}
		})
	}
}

// read decodes d from r and writes it again.
func (d dump) read(t *testing.T, r io.Reader) {
	opts := []Option{AllowText(true), KeepOrder(true)}
	dec := NewDecoder(r, opts...)
	var out bytes.Buffer
	enc := NewEncoder(&out, opts...)
	var ends []int64
	var seen census
	for {
		var v any
		err := dec.Decode(&v)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, dec.Offset())
		seen.value(v, 1)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	if len(ends) != d.Values || !slices.Equal(ends, d.ValueEnds) {
		t.Errorf("%d values that end at %v, want %d at %v", len(ends), ends, d.Values, d.ValueEnds)
	}
	if out.Len() != len(d.bytes) || bytes.Equal(out.Bytes(), d.bytes) != d.InOrder {
		t.Errorf("written again: %d bytes, want %d; the same: %v, want %v",
			out.Len(), len(d.bytes), bytes.Equal(out.Bytes(), d.bytes), d.InOrder)
	}
	if diff := gocmp.Diff(census{d.Tags, d.KeyTags, d.MaxDepth}, seen); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A census counts tags, those of keys once more by themselves, and how deep
// values lie: the outermost at 1.
type census struct {
	Tags, KeyTags map[string]int
	Depth         int
}

func (c *census) count(tags *map[string]int, k Kind) {
	if *tags == nil {
		*tags = map[string]int{}
	}
	(*tags)[string(rune(k))]++
}

func (c *census) value(v any, depth int) {
	c.Depth = max(c.Depth, depth)
	switch v := v.(type) {
	case Dict:
		c.count(&c.Tags, KindDict)
		for _, e := range v {
			k := KindText
			if e.KeyKind != 0 {
				k = e.KeyKind
			}
			c.count(&c.KeyTags, k)
			c.count(&c.Tags, k)
			c.value(e.Value, depth+1)
		}
	case []any:
		c.count(&c.Tags, KindList)
		for _, item := range v {
			c.value(item, depth+1)
		}
	case string:
		c.count(&c.Tags, KindText)
	case []byte:
		c.count(&c.Tags, KindString)
	case int64:
		c.count(&c.Tags, KindInt)
	case float64:
		c.count(&c.Tags, KindFloat)
	case bool:
		c.count(&c.Tags, KindBool)
	case nil:
		c.count(&c.Tags, KindNull)
	}
}

// Each value of each dump through every entrance.
func TestDumpsAgree(t *testing.T) {
	for _, d := range readDumps(t) {
		b := d.bytes
		for i := 0; len(b) > 0; i++ {
			_, rest, err := Cut(b, AllowText(true))
			if err != nil {
				t.Fatal(err)
			}
			value := b[:len(b)-len(rest)]
			got, err := agree(t, value, AllowText(true), KeepOrder(true))
			if err != nil {
				t.Errorf("%s, value %d: %v", d.File, i, err)
			}
			mustEncode(t, got, value, AllowText(true))
			b = rest
		}
	}
}

// Keys sorted, as a map has them, do not give the file back; expected.json says
// so of every dump.
func TestDumpsAsMaps(t *testing.T) {
	for _, d := range readDumps(t) {
		dec := NewDecoder(bytes.NewReader(d.bytes), AllowText(true))
		var out []byte
		for {
			var v map[string]any
			err := dec.Decode(&v)
			if err == io.EOF {
				break
			}
			if err == nil {
				out, err = MarshalAppend(out, v, AllowText(true))
			}
			if err != nil {
				t.Fatalf("%s: %v", d.File, err)
			}
		}
		if bytes.Equal(out, d.bytes) != d.WithSorted || d.WithSorted {
			t.Errorf("%s: the same bytes with sorted keys: %v, want %v", d.File, !d.WithSorted, d.WithSorted)
		}
	}
}

// Without AllowText the dumps that have texts are refused, at the first one.
func TestDumpsNeedText(t *testing.T) {
	for _, d := range readDumps(t) {
		_, err := agree(t, d.bytes[:d.ValueEnds[0]])
		first := int64(bytes.IndexByte(d.bytes, ';'))
		if d.Tags[";"] == 0 {
			if err != nil {
				t.Errorf("%s: %v", d.File, err)
			}
			continue
		}
		if want := (verdict{Err: ErrKind, Offset: first}); verdictOf(err) != want {
			t.Errorf("%s: error %v, want %v at %d", d.File, err, ErrKind, first)
		}
	}
}

// A flow is the little that one may want of a flow.
type flow struct {
	Request struct {
		Method string `tnet:"method"`
		Host   string `tnet:"host"` // a text in new files, a string in old ones
		Port   uint16 `tnet:"port"`
		Path   []byte `tnet:"path"`
	} `tnet:"request"`
	Response *struct {
		Code   int         `tnet:"status_code"`
		Old    int         `tnet:"code"`
		Header [][2]string `tnet:"headers"`
	} `tnet:"response"`
}

func (f flow) String() string {
	r := f.Request
	line := fmt.Sprint(r.Method, " ", r.Host, ":", r.Port, " ", len(r.Path))
	if f.Response == nil || len(f.Response.Header) == 0 {
		return line
	}
	return fmt.Sprint(line, " ", f.Response.Code+f.Response.Old, " ", f.Response.Header[0])
}

// A typed target picks what it names; the rest is jumped over.
func TestDumpsPicked(t *testing.T) {
	want := map[string][]string{
		"corrupted_gzip_body.mitm": {"GET 127.0.0.1:5000 1 200 [Server Werkzeug/3.0.4 Python/3.12.7]"},
		"dumpfile-010.mitm":        {"GET example.com:80 1 200 [Content-Encoding gzip]"},
		"dumpfile-018.mitm":        {"GET www.example.com:443 1 200 [Accept-Ranges bytes]"},
		"dumpfile-7.mitm": {
			"GET example.com:80 1 200 [Accept-Ranges bytes]",
			"GET example.com:443 1 200 [age 105194]",
		},
		"error_log.mitm": {
			"GET 163.com:80 1",
			"POST httpbin.org:443 4 405 [date Tue, 25 Jul 2023 11:07:59 GMT]",
		},
		"event_stream.mitm": {
			"GET 3.33.235.18:443 59 200 [date Sun, 05 Nov 2023 07:00:01 GMT]",
			"GET 3.33.235.18:443 135 200 [date Sun, 05 Nov 2023 07:00:33 GMT]",
		},
		"websocket.mitm": {
			"GET demo.piesocket.com:443 76 101 [Server nginx/1.22.0 (Ubuntu)]",
			"GET demo.piesocket.com:443 15 101 [Server nginx/1.22.0 (Ubuntu)]",
			"GET demo.piesocket.com:443 76 101 [Server nginx/1.22.0 (Ubuntu)]",
		},
	}
	for _, d := range readDumps(t) {
		dec := NewDecoder(bytes.NewReader(d.bytes), AllowText(true))
		var got []string
		for {
			var f flow
			err := dec.Decode(&f)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", d.File, err)
			}
			got = append(got, f.String())
		}
		if diff := gocmp.Diff(want[d.File], got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", d.File, diff)
		}
	}
}

// What a typed target does not name is a Raw for later, or an error where that
// is asked for.
func TestDumpsRaw(t *testing.T) {
	for _, d := range readDumps(t) {
		first := d.bytes[:d.ValueEnds[0]]
		var parts map[string]Raw
		if err := Unmarshal(first, &parts, AllowText(true)); err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
		var later, now flow
		if err := Unmarshal(parts["request"], &later.Request, AllowText(true)); err != nil {
			t.Errorf("%s: %v", d.File, err)
		}
		if err := Unmarshal(first, &now, AllowText(true)); err != nil {
			t.Errorf("%s: %v", d.File, err)
		}
		if diff := gocmp.Diff(now.Request, later.Request); diff != "" {
			t.Errorf("%s (-now +later)\n%s", d.File, diff)
		}
		err := Unmarshal(first, &now, AllowText(true), RejectUnknownKeys(true))
		if !errors.Is(err, errUnknownKey) {
			t.Errorf("%s: error %v, want %v", d.File, err, errUnknownKey)
		}
	}
}

// The 93 header dicts are what their JSON is, as a stream with newlines, each by
// itself, and written again.
func TestRequests(t *testing.T) {
	all := sure(os.ReadFile("testdata/interop/jasom-requests.tnets.txt"))
	var want []map[string]any
	for text := json.NewDecoder(bytes.NewReader(sure(os.ReadFile("testdata/interop/jasom-requests.json.txt")))); ; {
		var v map[string]any
		err := text.Decode(&v)
		if err == io.EOF {
			break
		}
		want = append(want, sure(v, err))
	}
	if len(want) != 93 {
		t.Fatalf("%d requests", len(want))
	}
	for _, r := range readers {
		for _, ordered := range []bool{true, false} {
			opts := []Option{Separator('\n'), KeepOrder(ordered)}
			d := NewDecoder(r.of(all), opts...)
			var again bytes.Buffer
			e := NewEncoder(&again, opts...)
			for i := range want {
				var v any
				if err := d.Decode(&v); err != nil {
					t.Fatalf("%s: request %d: %v", r.name, i, err)
				}
				if err := e.Encode(v); err != nil {
					t.Fatal(err)
				}
				if ordered {
					v = asMap(v.(Dict))
				}
				if !sameValue(v, want[i]) {
					t.Errorf("%s: request %d: %s", r.name, i, diff(v, want[i]))
				}
			}
			if err := d.Decode(new(any)); err != io.EOF || d.Offset() != int64(len(all)) {
				t.Errorf("%s: error %v at %d, want %v at %d", r.name, err, d.Offset(), io.EOF, len(all))
			}
			if bytes.Equal(again.Bytes(), all) != ordered {
				t.Errorf("%s: ordered %v, written as the same bytes: %v", r.name, ordered, !ordered)
			}
		}
	}
	for i, line := range bytes.Split(bytes.TrimSuffix(all, []byte("\n")), []byte("\n")) {
		got, err := agree(t, line)
		if err != nil || !sameValue(got, any(want[i])) {
			t.Errorf("line %d: error %v, %s", i, err, diff(got, want[i]))
		}
	}
	// Without the option the first newline is a fault.
	d := NewDecoder(bytes.NewReader(all))
	if err := d.Decode(new(any)); err != nil {
		t.Error(err)
	}
	end := int64(bytes.IndexByte(all, '\n'))
	if err := d.Decode(new(any)); verdictOf(err) != (verdict{Err: ErrSize, Offset: end}) {
		t.Errorf("error %v, want %v at %d", err, ErrSize, end)
	}
}
