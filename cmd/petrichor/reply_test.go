package main

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/petrichor-protocol/petrichor"
)

func replyOfText(t *testing.T, text string) (*reply, *bytes.Buffer) {
	t.Helper()
	parsed, err := parseReply(text)
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	return &reply{text: parsed, limit: 1000, log: slog.New(slog.NewTextHandler(log, nil))}, log
}

func TestReply(t *testing.T) {
	for _, c := range []struct {
		text   string
		header petrichor.Header
		body   any
		want   string
	}{
		{"hello {{.Body}}", nil, "world", "hello world"},
		{"{{.Header.to}} from {{.Peer}}", petrichor.Header{"to": "zed"}, "", "zed from 192.0.2.1:7"},
		{"{{range .Body}}<{{.}}>{{end}}", nil, []any{1, "a"}, "<1><a>"},
		{"{{json .Body}} {{json .Header}}", petrichor.Header{"a": nil}, map[string]any{"b": 1.0}, `{"b":1.0} {"a":null}`},
		{"{{if .Header.no}}yes{{else}}no{{end}}", petrichor.Header{"no": false}, "", "no"},
		{"", nil, "", ""},
	} {
		r, _ := replyOfText(t, c.text)
		a, err := r.answer(t.Context(), asked(t, c.header, c.body))
		if err != nil || string(a.body.([]byte)) != c.want {
			t.Errorf("%s: %v, %v, want %q", c.text, a, err, c.want)
		}
	}
}

// What goes wrong with a template is logged; the peer is told no more than that.
func TestReplyFails(t *testing.T) {
	for _, text := range []string{
		"{{.Header.missing}}",
		"{{.Body.x}}",
		"{{range .Header.n}}xxxxxxxxxxxxxxxxxxxxxxxx{{end}}",
		`{{template "t"}}{{define "t"}}x{{template "t"}}{{end}}`,
		"{{index .Body 5000}}",
	} {
		r, log := replyOfText(t, text)
		_, err := r.answer(t.Context(), asked(t, petrichor.Header{"n": 100}, "\x1b"+strings.Repeat("b", 500)))
		if _, ok := err.(*refusal); !ok || len(err.Error()) > 256 || strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", text, err)
		}
		if logged := log.String(); !strings.Contains(logged, "192.0.2.1:7") || strings.Contains(logged, "\x1b") || len(logged) > 2*maxLogged {
			t.Errorf("%s: logged %q", text, logged)
		}
	}
	r, _ := replyOfText(t, "x")
	broken := asked(t, nil, "")
	broken.body = func(v any) error { return petrichor.Unmarshal([]byte("3:xyz}"), v) }
	if _, err := r.answer(t.Context(), broken); err == nil || codeOf(err) == exitOK {
		t.Error("a malformed body is accepted")
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.answer(done, asked(t, nil, "")); err == nil {
		t.Error("it is filled in for nobody")
	}
}

func TestParseReply(t *testing.T) {
	for text, code := range map[string]int{"{{": exitUsage, "{{nonsense}}": exitUsage, "@/no/such/file": exitOther} {
		if _, err := parseReply(text); codeOf(err) != code {
			t.Errorf("%s: %v", text, err)
		}
	}
}
