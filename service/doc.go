// Package service is for programs that answer frames, and for those that ask:
// a Server that can be put on the open internet as it is, and a Client that many
// goroutines share.
//
// The zero [Server] with a Handle is complete.  It lets everybody in, and limits
// what each may cost: how long a peer may be silent, how slow it may be, how much
// it may send before it has been allowed, how many connections and handlers there
// are, and how much memory the frames in flight take.
//
//	s := &service.Server{
//		Handle: func(ctx context.Context, req *service.Request) (header, body any, err error) {
//			var name string
//			if err := req.Body(&name); err != nil {
//				return nil, nil, err
//			}
//			return nil, "hello " + name, nil
//		},
//	}
//	err := s.Serve(listener)
//
// # On the wire
//
// A connection begins with one frame each way: the peer says who it is, and is
// allowed or denied.  After that each frame of the peer is a request, and is
// answered with one frame.  A request may have the header key "id", of any value;
// its reply then has the same.  Replies come in the order of the requests, unless
// HandlersPerConn is above one.
//
// A request that has failed is answered with a header that has the key "error", a
// text, and a null body.
//
// # A map of the source
//
//	server.go    what can be set, serving, stopping
//	door.go      who may come in: counts of connections, and whom to cut for whom
//	conn.go      one connection from its first frame to its end
//	request.go   a function per frame
//	ping.go      frames that no handler sees
//	stream.go    the bytes of a connection, with a clock
//	ahead.go     reading while a handler runs, to notice that the peer has left
//	wait_unix.go sockets: waiting for bytes without a buffer
//	watch.go     looks at all clocks
//	budget.go    handlers and memory, counted
//	fanout.go    one frame to many connections
//	observer.go, expvar.go, log.go   what is told to others
//	header.go    keys of raw headers
//	client.go    the other side; its own map is there
package service
