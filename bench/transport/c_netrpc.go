package main

// net/rpc with its own gob codec.  It has no one-way call and no publishing.

import (
	"net"
	"net/rpc"
)

const nameRPC = "net/rpc"

func init() {
	register(&contender{
		name:   nameRPC,
		kind:   peer,
		note:   "gob; Call, and Go with a channel where many are outstanding",
		tls:    true,
		echo:   rpcEcho,
		caller: func(at place) (caller, error) { return newRPC(at) },
		shared: func(at place) (func() caller, error) { return sameFor(newRPC(at)) },
		stream: rpcStream,
	})
}

// Echo is the service.
type Echo struct{}

// Do answers with what it is asked.
func (Echo) Do(msg []byte, answer *[]byte) error {
	*answer = msg
	return nil
}

func rpcEcho(s *site) (string, error) {
	server := rpc.NewServer()
	if err := server.Register(Echo{}); err != nil {
		return "", err
	}
	return s.serve(func(c net.Conn) { server.ServeConn(c) })
}

type rpcCaller struct{ *rpc.Client }

func newRPC(at place) (rpcCaller, error) {
	conn, err := at.dial()
	if err != nil {
		return rpcCaller{}, err
	}
	return rpcCaller{rpc.NewClient(conn)}, nil
}

func (c rpcCaller) Call(msg []byte) (answer []byte, err error) {
	err = c.Client.Call("Echo.Do", msg, &answer)
	return answer, err
}

// An rpcPipe has many calls outstanding.  Each is answered by a goroutine of its own, in any order, so
// that Recv waits for the oldest.
type rpcPipe struct {
	*rpc.Client
	calls []*rpc.Call
}

func rpcStream(at place) (stream, error) {
	c, err := newRPC(at)
	return &rpcPipe{Client: c.Client}, err
}

func (p *rpcPipe) Send(msg []byte) error {
	p.calls = append(p.calls, p.Client.Go("Echo.Do", msg, new([]byte), make(chan *rpc.Call, 1)))
	return nil
}

func (p *rpcPipe) Recv() ([]byte, error) {
	oldest := <-p.calls[0].Done
	p.calls = p.calls[1:]
	return *oldest.Reply.(*[]byte), oldest.Error
}
