package main

// net/http, HTTP/1.1 with connections kept alive.  It has one request at a time on a connection, so
// callers that share a client have a connection each.

import (
	"bytes"
	"io"
	"log"
	"net/http"
)

const nameHTTP = "net/http"

func init() {
	register(&contender{
		name:   nameHTTP,
		kind:   peer,
		note:   "HTTP/1.1, POST, connections kept alive and as many as there are callers",
		tls:    true,
		echo:   func(s *site) (string, error) { return httpServe(s, httpEcho) },
		drain:  func(s *site) (string, error) { return httpServe(s, httpDrain(s.tally)) },
		caller: func(at place) (caller, error) { return newHTTP(at), nil },
		shared: func(at place) (func() caller, error) { return sameFor(newHTTP(at), nil) },
		upload: func(at place) (uploader, error) { return newHTTP(at), nil },
	})
}

func httpServe(s *site, handle http.HandlerFunc) (string, error) {
	l, err := s.listen()
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handle, ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(l)
	return l.Addr().String(), nil
}

func httpEcho(w http.ResponseWriter, r *http.Request) {
	msg := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, msg); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Write(msg)
}

func httpDrain(t *tally) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.Copy(t, r.Body) }
}

type httpCaller struct {
	client *http.Client
	url    string
}

func newHTTP(at place) *httpCaller {
	t := &http.Transport{TLSClientConfig: at.tls, MaxIdleConnsPerHost: 1024, DisableCompression: true}
	c := &httpCaller{&http.Client{Transport: t}, "http://" + at.addr + "/echo"}
	if at.tls != nil {
		c.url = "https://" + at.addr + "/echo"
	}
	return c
}

func (c *httpCaller) Call(msg []byte) ([]byte, error) {
	answer, err := c.client.Post(c.url, "application/octet-stream", bytes.NewReader(msg))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	back := make([]byte, answer.ContentLength)
	_, err = io.ReadFull(answer.Body, back)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body) // to its end, so that the connection is kept
	}
	return back, err
}

func (c *httpCaller) Upload(size int64, from io.Reader) error {
	r, err := http.NewRequest(http.MethodPost, c.url, from)
	if err != nil {
		return err
	}
	r.ContentLength = size
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}

func (c *httpCaller) Close() error {
	c.client.CloseIdleConnections()
	return nil
}
