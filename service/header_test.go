package service

import (
	"bytes"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
	"pgregory.net/rapid"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		name, dict, key string
		want            string // tag and payload; a lone "?" is an Element of Kind 0; "" is not there
	}{
		{"the only key", "9:2:id,1:7#}", "id", "#7"},
		{"among others", "25:1:a,1:b,2:id,2:12#1:z,0:~}", "id", "#12"},
		{"null is a value", "8:2:id,0:~}", "id", "~"},
		{"another kind", "9:2:id,1:7,}", "id", ",7"},
		{"not there", "8:1:a,1:b,}", "id", ""},
		{"longer and shorter keys", "18:3:ids,1:7#1:i,1:8#}", "id", ""},
		{"in a nested dict only", "16:1:a,9:2:id,1:7#}}", "id", ""},
		{"case counts", "9:2:ID,1:7#}", "id", ""},
		{"empty dict", "0:}", "id", ""},
		{"no dict", "", "id", ""},
		{"as text", "9:2:id;1:7#}", "id", "#7"},
		{"text beside it", "17:1:a;1:b;2:id,1:7#}", "id", "#7"},
		{"twice", "18:2:id,1:7#2:id,1:8#}", "id", "?"},
		{"twice, with other tags", "18:2:id,1:7#2:id;1:8#}", "id", "?"},
		{"a key that is no string", "9:2:12#1:7#}", "id", "?"},
		{"a key without a value", "5:2:id,}", "id", "?"},
		{"malformed behind it", "12:2:id,1:7#1:a}", "id", "?"},
		{"malformed, without it", "3:1:a}", "id", "?"},
		{"a list", "9:2:id,1:7#]", "id", "?"},
		{"bytes behind the dict", "9:2:id,1:7#}x", "id", "?"},
		{"half a dict", "9:2:id,1:", "id", "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dict := petrichor.Raw(c.dict)
			if c.dict == "" {
				dict = nil
			}
			el, ok := lookup(dict, c.key)
			got := strings.ReplaceAll(string(byte(el.Kind))+string(el.Payload), "\x00", "")
			if ok && el.Kind == 0 {
				got += "?"
			}
			if got != c.want || ok != (c.want != "") {
				t.Errorf("found %q, %v, want %q", got, ok, c.want)
			}
		})
	}
}

func TestIDOf(t *testing.T) {
	for _, c := range []struct {
		dict string
		id   uint64
		ok   bool
	}{
		{"9:2:id,1:7#}", 7, true},
		{"29:2:id,20:18446744073709551615#}", 18446744073709551615, true},
		{"29:2:id,20:18446744073709551616#}", 0, true},
		{"10:2:id,2:-7#}", 0, true},
		{"10:2:id,2:+7#}", 0, true},
		{"10:2:id,2:07#}", 0, true},
		{"9:2:id,1:0#}", 0, true},
		{"8:2:id,0:#}", 0, true},
		{"9:2:id,1:7,}", 0, true},
		{"18:2:id,1:7#2:id,1:7#}", 0, true},
		{"0:}", 0, false},
	} {
		if id, ok := idOf(petrichor.Raw(c.dict)); id != c.id || ok != c.ok {
			t.Errorf("%s: id %d, %v, want %d, %v", c.dict, id, ok, c.id, c.ok)
		}
	}
}

func TestWithID(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"none", "", "9:2:id,1:7#}"},
		{"empty", "0:}", "9:2:id,1:7#}"},
		{"others stay in their order", "16:1:b,1:x,1:a,1:y,}", "25:2:id,1:7#1:b,1:x,1:a,1:y,}"},
		{"in place of one", "9:2:id,1:9#}", "9:2:id,1:7#}"},
		{"in place of one in the middle", "25:1:b,1:x,2:id,1:9#1:a,1:y,}", "25:2:id,1:7#1:b,1:x,1:a,1:y,}"},
		{"in place of several", "26:2:id,1:9#1:a,1:y,2:id;1:8#}", "17:2:id,1:7#1:a,1:y,}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var header petrichor.Raw
			if c.header != "" {
				header = petrichor.Raw(c.header)
			}
			if got := withID([]byte("before"), header, 7); string(got) != "before"+c.want {
				t.Errorf("%s, want before%s", got, c.want)
			}
			if c.header != string(header) {
				t.Errorf("the header has been changed to %s", header)
			}
		})
	}
}

// Of any header, withID makes one that has the id, and all the other entries as they were.
func TestWithIDKeepsEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.MapOf(rapid.StringN(0, 5, -1), rapid.StringN(0, 200, -1)).Draw(t, "header")
		id := rapid.Uint64().Draw(t, "id")
		header, err := petrichor.Marshal(entries)
		if err != nil {
			t.Fatal(err)
		}
		raw := petrichor.Raw(withID(nil, header, id))
		var got map[string]any
		if err := petrichor.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		delete(entries, keyID)
		if len(got) != len(entries)+1 {
			t.Fatalf("%v of %v", got, entries)
		}
		for key, value := range entries {
			el, ok := lookup(raw, key)
			if !ok || string(el.Payload) != value {
				t.Fatalf("%q is %q, %v, want %q", key, el.Payload, ok, value)
			}
		}
		if found, ok := idOf(raw); !ok || found != id {
			t.Fatalf("id %d, %v, want %d", found, ok, id)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("25:1:a,1:b,2:id,2:12#1:z,0:~}"), uint64(7))
	f.Add([]byte("26:2:id,1:9#1:a,1:y,2:id;1:8#}"), uint64(1)<<63)
	f.Fuzz(func(t *testing.T, header []byte, id uint64) {
		if !petrichor.Valid(header) || header[len(header)-1] != '}' {
			lookup(header, keyID) // does not panic
			return
		}
		got := withID(nil, header, id)
		if !petrichor.Valid(got) {
			t.Fatalf("%q becomes %q", header, got)
		}
		if again := withID(nil, got, id); !bytes.Equal(got, again) {
			t.Fatalf("%q becomes %q the second time", got, again)
		}
	})
}

func BenchmarkHeader(b *testing.B) {
	header := petrichor.Raw("45:4:verb,3:get,4:path,6:/a/b/c,2:id,5:12345#}")
	b.Run("idOf", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			idOf(header)
		}
	})
	b.Run("withID", func(b *testing.B) {
		b.ReportAllocs()
		dst := make([]byte, 0, 128)
		plain := petrichor.Raw("31:4:verb,3:get,4:path,6:/a/b/c,}")
		for b.Loop() {
			withID(dst, plain, 12345)
		}
	})
}
