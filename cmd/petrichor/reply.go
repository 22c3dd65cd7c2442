package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"text/template"

	"github.com/petrichor-protocol/petrichor"
)

// A reply answers requests with a template that is filled in from them.
type reply struct {
	text  *template.Template
	limit int // bytes of what comes out
	log   *slog.Logger
}

// replyFunctions are what a template can call besides Go's own.
var replyFunctions = template.FuncMap{"json": func(v any) (string, error) {
	raw, err := petrichor.Marshal(v)
	if err != nil {
		return "", err
	}
	el, _, err := petrichor.Cut(raw)
	return string(jsonOf(el)), err
}}

// parseReply parses the text of a template, or the file that @FILE names.
func parseReply(text string) (*template.Template, error) {
	if path, isFile := strings.CutPrefix(text, "@"); isFile {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, fail(exitOther, "--reply: %v", err)
		}
		text = string(file)
	}
	t, err := template.New("reply").Option("missingkey=error").Funcs(replyFunctions).Parse(text)
	if err != nil {
		return nil, fail(exitUsage, "--reply: %v", err)
	}
	return t, nil
}

// answer fills in the template.  What is wrong with that is for the log: it may quote the template.
func (r *reply) answer(ctx context.Context, req *request) (*answer, error) {
	said := struct {
		Peer   string
		Header map[string]any
		Body   any
	}{Peer: req.peer}
	err := req.header(&said.Header)
	if err == nil {
		err = req.body(&said.Body)
	}
	if err != nil {
		return nil, refuse("%s", message(err))
	}
	out := &patient{ctx: ctx, capped: capped{left: r.limit, full: func() {}}}
	if err := r.text.Execute(out, said); err != nil {
		r.log.Info("the template fails", "peer", req.peer, "error", logged(err.Error()))
		return nil, refuse("the reply to this cannot be made: it lacks what the template wants, or is too much")
	}
	return &answer{body: bytes.Clone(out.b)}, nil
}

// A patient buffer takes no more once its context is done.
type patient struct {
	capped
	ctx context.Context
}

func (p *patient) Write(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.capped.Write(b)
}
