package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/service"
	"github.com/petrichor-protocol/petrichor/transport"
	"github.com/spf13/cobra"
)

// This is where verbs that serve meet the package that does it.

// listen listens on addr, and says where: with port 0 nobody else knows.
func (k *keys) listen(addr string, say *os.File) (net.Listener, error) {
	config, err := k.transport()
	if err != nil {
		return nil, err
	}
	l, err := config.Listen(addr)
	if errors.Is(err, transport.ErrAddress) {
		return nil, fail(exitUsage, "%s", message(err))
	}
	if errors.Is(err, secure.ErrNoCertificate) {
		return nil, fail(exitUsage, "%s: say --cert and --key", message(err))
	}
	if err != nil {
		return nil, fail(exitOther, "cannot listen on %s: %v", addr, err)
	}
	if addr == "stdio:" {
		say = os.Stderr
	}
	fmt.Fprintf(say, "listening on %s\n", listening(l, addr))
	return l, nil
}

// listening is the address of l, which was asked for as addr, as a client would write it.
func listening(l net.Listener, addr string) string {
	a, _ := transport.Parse(addr)
	if a.Scheme != "exec" && a.Scheme != "stdio" && a.Scheme != "file" {
		a.Rest = l.Addr().String()
	}
	return a.String()
}

// identify is how to know a peer of addr: by its certificate, where it has to have one.
func identify(addr string) func(io.ReadWriteCloser) (string, error) {
	if a, _ := transport.Parse(addr); a.Scheme == "tls" {
		return secure.Identity
	}
	return nil
}

// logger is where servers log: errors and warnings always, what happens unless -q, and with -v what
// peers do wrong.
func (a *app) logger() *slog.Logger {
	level := slog.LevelInfo
	switch {
	case a.quiet:
		level = slog.LevelWarn
	case a.verbose:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
}

// logf prints an event, one line and fit for a terminal, where -v asks for it.
func (a *app) logf(format string, args ...any) {
	if a.verbose {
		fmt.Fprintf(os.Stderr, "petrichor: %s\n", escapeLine(fmt.Sprintf(format, args...)))
	}
}

// An eventLog shows what a server does, for -v.
type eventLog struct{ log *slog.Logger }

// Observe logs one event; errors are logged by the server.
func (e eventLog) Observe(event service.Event) {
	attrs := []any{"peer", peerOf(event.Peer)}
	if event.Header > 0 {
		attrs = append(attrs, "header", event.Header, "body", event.Body)
	}
	if event.Duration > 0 {
		attrs = append(attrs, "took", event.Duration)
	}
	e.log.Debug(event.Kind.String(), attrs...)
}

// serving serves l until Ctrl-C or SIGTERM, and then lets requests under way end, for at most
// grace; at the second signal it does not wait.
func serving(s *service.Server, l net.Listener, grace time.Duration, k *keys) error {
	watching, enough := context.WithCancel(context.Background())
	defer enough()
	k.watch(watching, s.Log)
	if s.Log.Enabled(context.Background(), slog.LevelDebug) {
		s.Observer = eventLog{s.Log}
	}
	softMemory(2*s.MaxInFlight + 16<<10*int64(s.MaxConns))
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // to the end: the third is no other than the second
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	select {
	case err := <-served:
		if err == io.EOF { // the only peer of stdio: and its like has ended
			return s.Shutdown(context.Background())
		}
		return fail(exitOther, "cannot go on listening: %v", err)
	case <-signals:
	}
	s.Log.Info("draining", "grace", grace)
	ctx, cancel := within(context.Background(), grace)
	defer cancel()
	go func() {
		<-signals
		cancel()
	}()
	if err := s.Shutdown(ctx); err != nil {
		s.Log.Warn("requests under way have been cut")
	}
	if err := <-served; !errors.Is(err, service.ErrServerClosed) {
		return fail(exitOther, "cannot go on listening: %v", err)
	}
	return nil
}

// handled is a handler as the package wants it, each request with a deadline; 0 is none.
func handled(h handler, deadline time.Duration) func(context.Context, *service.Request) (any, any, error) {
	return func(ctx context.Context, req *service.Request) (header, body any, err error) {
		ctx, cancel := within(ctx, deadline)
		defer cancel()
		a, err := h.answer(ctx, &request{peerOf(req.Peer), req.Frame, req.Header, req.Body})
		if refused, ok := errors.AsType[*refusal](err); ok {
			return nil, nil, &service.Error{Text: refused.text}
		}
		if err != nil {
			return nil, nil, err
		}
		if a.header == nil {
			return nil, a.body, nil
		}
		return a.header, a.body, nil
	}
}

// peerOf is what to call a peer; those of unix sockets have no address.
func peerOf(p *service.Peer) string {
	if _, ok := p.Addr.(*net.TCPAddr); !ok {
		return "local"
	}
	return p.Addr.String()
}

// A gate says who is allowed in, by the entries of a first header.
type gate struct {
	echoes   bool             // the answer is the first frame, and what is added to it
	identity petrichor.Header // what is
	allow    headerFlag       // one of these it must have, if there are any
	deny     headerFlag       // none of these it may have
}

func (g *gate) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&g.allow, "allow", "allow only peers whose first header has such an entry, as -H; repeatable")
	flags.Var(&g.deny, "deny", "deny peers whose first header has such an entry, as -H; repeatable")
}

// admit answers a first frame.
func (g *gate) admit(_ context.Context, p *service.Peer) (service.Answer, error) {
	var said map[string]petrichor.Raw
	if err := petrichor.Unmarshal(p.First.Header, &said); err != nil {
		return service.Answer{}, err
	}
	header, body := petrichor.Header{}, any("")
	if g.echoes {
		for key, value := range said {
			header[key] = value
		}
		body = p.First.Body
	}
	maps.Copy(header, g.identity)
	if key := found(g.deny.header, said); key != "" {
		return service.Deny(header, "denied for its "+key), nil
	}
	if g.allow.header != nil && found(g.allow.header, said) == "" {
		return service.Deny(header, "denied: it does not say who it is"), nil
	}
	return service.Allow(header, body), nil
}

// found is a key of wanted whose entry was said.  It takes as long whatever was said in its place,
// because an entry may be a secret.
func found(wanted petrichor.Header, said map[string]petrichor.Raw) (key string) {
	for _, k := range slices.Sorted(maps.Keys(wanted)) {
		raw, err := petrichor.Marshal(wanted[k])
		a, b := sha256.Sum256(raw), sha256.Sum256(said[k])
		if err == nil && subtle.ConstantTimeCompare(a[:], b[:]) == 1 {
			key = k
		}
	}
	return key
}
