package main

// grpc-go without protobuf: a codec that hands bytes through, so that only the transport is timed.
// Unary calls where one is outstanding or callers share, one bidirectional stream where many are,
// windows large enough never to wait for, stream workers, and write buffers that are let go.

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

const nameGRPC = "grpc-go"

func init() {
	register(&contender{
		name:      nameGRPC,
		kind:      peer,
		module:    "google.golang.org/grpc",
		note:      "a codec for bare bytes; unary calls, streams where requests are pipelined or one way; large static windows",
		tls:       true,
		echo:      func(s *site) (string, error) { return grpcServe(s, nil) },
		sink:      func(s *site) (string, error) { return grpcServe(s, nil) },
		drain:     func(s *site) (string, error) { return grpcServe(s, nil) },
		publish:   grpcPublish,
		caller:    func(at place) (caller, error) { return newGRPC(at) },
		shared:    func(at place) (func() caller, error) { return sameFor(newGRPC(at)) },
		stream:    func(at place) (stream, error) { return newGRPCStream(at, "Pipe") },
		sender:    func(at place) (sender, error) { return newGRPCStream(at, "Take") },
		subscribe: grpcSubscribe,
		upload:    func(at place) (uploader, error) { return newGRPCStream(at, "Drain") },
	})
	encoding.RegisterCodecV2(bytesCodec{})
}

// A bytesCodec carries *[]byte as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "bytes" }

// Marshal copies, since grpc may write after the sender has gone on.
func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.Copy(*v.(*[]byte), mem.DefaultBufferPool())}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	to := v.(*[]byte)
	if cap(*to) < data.Len() {
		*to = make([]byte, data.Len())
	}
	*to = (*to)[:data.Len()]
	data.CopyTo(*to)
	return nil
}

// A grpcService is what the methods need.
type grpcService struct {
	tally *tally
	out   *grpcAudience
}

const (
	grpcWindow = 16 << 20
	grpcLimit  = 8 << 20
	grpcBuffer = 64 << 10
)

func grpcServe(s *site, out *grpcAudience) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(bytesCodec{}),
		grpc.NumStreamWorkers(4),
		grpc.MaxConcurrentStreams(1024),
		grpc.MaxRecvMsgSize(grpcLimit),
		grpc.SharedWriteBuffer(true),
	}
	if s.work.shape != idle {
		options = append(options, grpc.StaticStreamWindowSize(grpcWindow), grpc.StaticConnWindowSize(grpcWindow),
			grpc.ReadBufferSize(grpcBuffer), grpc.WriteBufferSize(grpcBuffer))
	}
	if s.tls != nil {
		own := s.tls.Clone()
		own.NextProtos = []string{"h2"}
		options = append(options, grpc.Creds(credentials.NewTLS(own)))
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&grpcDescription, &grpcService{s.tally, out})
	go server.Serve(l)
	return l.Addr().String(), nil
}

var grpcDescription = grpc.ServiceDesc{
	ServiceName: "Echo",
	HandlerType: (*any)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Do", Handler: grpcDo}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Pipe", Handler: grpcEachBack, ServerStreams: true, ClientStreams: true},
		{StreamName: "Take", Handler: grpcTake, ClientStreams: true, ServerStreams: true},
		{StreamName: "Drain", Handler: grpcDrain, ClientStreams: true, ServerStreams: true},
		{StreamName: "Subscribe", Handler: grpcSubscribed, ClientStreams: true, ServerStreams: true},
	},
}

func grpcDo(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	msg := new([]byte)
	return msg, decode(msg)
}

func grpcEachBack(_ any, stream grpc.ServerStream) error {
	msg := new([]byte)
	for {
		if err := stream.RecvMsg(msg); err != nil {
			return ended(err)
		}
		if err := stream.SendMsg(msg); err != nil {
			return err
		}
	}
}

func grpcTake(service any, stream grpc.ServerStream) error {
	return grpcReceive(stream, service.(*grpcService).tally.inlet().take)
}

func grpcDrain(service any, stream grpc.ServerStream) error {
	t := service.(*grpcService).tally
	return grpcReceive(stream, func(piece []byte) { t.Write(piece) })
}

func grpcSubscribed(service any, stream grpc.ServerStream) error {
	out := service.(*grpcService).out
	out.join(&grpcStream{Stream: stream})
	<-stream.Context().Done()
	return nil
}

func grpcReceive(stream grpc.Stream, take func([]byte)) error {
	msg := new([]byte)
	for {
		if err := stream.RecvMsg(msg); err != nil {
			return ended(err)
		}
		take(*msg)
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// A grpcAudience sends each message on the stream of each subscriber.
type grpcAudience struct{ audience }

func grpcPublish(s *site) (string, sender, error) {
	out := new(grpcAudience)
	addr, err := grpcServe(s, out)
	return addr, out, err
}

func (a *grpcAudience) Send(msg []byte) error {
	return a.each(func(out sender) error { return out.Send(msg) })
}
func (a *grpcAudience) Flush() error { return nil }
func (a *grpcAudience) Close() error { return nil }

// A grpcCaller makes unary calls.
type grpcCaller struct {
	*grpc.ClientConn
}

func newGRPC(at place) (grpcCaller, error) {
	options := []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{}), grpc.MaxCallRecvMsgSize(grpcLimit)),
		grpc.WithSharedWriteBuffer(true),
		grpc.WithTransportCredentials(grpcCredentials(at.tls)),
	}
	if at.work.shape != idle {
		options = append(options, grpc.WithStaticStreamWindowSize(grpcWindow), grpc.WithStaticConnWindowSize(grpcWindow),
			grpc.WithReadBufferSize(grpcBuffer), grpc.WithWriteBufferSize(grpcBuffer))
	}
	conn, err := grpc.NewClient("passthrough:///"+at.addr, options...)
	return grpcCaller{conn}, err
}

func grpcCredentials(config *tls.Config) credentials.TransportCredentials {
	if config == nil {
		return insecure.NewCredentials()
	}
	return credentials.NewTLS(config)
}

func (c grpcCaller) Call(msg []byte) ([]byte, error) {
	answer := new([]byte)
	err := c.Invoke(context.Background(), "/Echo/Do", &msg, answer)
	return *answer, err
}

// A grpcStream is either end of one.
type grpcStream struct {
	grpc.Stream
	conn grpcCaller
	back []byte
}

func newGRPCStream(at place, method string) (*grpcStream, error) {
	c, err := newGRPC(at)
	if err != nil {
		return nil, err
	}
	both := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	s, err := c.NewStream(context.Background(), both, "/Echo/"+method)
	return &grpcStream{Stream: s, conn: c}, err
}

func (s *grpcStream) Send(msg []byte) error { return s.SendMsg(&msg) }

// Flush has nothing to do: grpc's writer goroutine sends what there is.
func (s *grpcStream) Flush() error { return nil }

func (s *grpcStream) Recv() ([]byte, error) {
	err := s.RecvMsg(&s.back)
	return s.back, err
}

func (s *grpcStream) Close() error { return s.conn.Close() }

// Upload sends pieces: gRPC has no body that is not held as a whole.
func (s *grpcStream) Upload(size int64, from io.Reader) error {
	piece := make([]byte, grpcBuffer)
	for size > 0 {
		n, err := io.ReadFull(from, piece[:min(size, grpcBuffer)])
		if err != nil {
			return err
		}
		if err := s.Send(piece[:n]); err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

func grpcSubscribe(at place, in *inlet) (io.Closer, error) {
	s, err := newGRPCStream(at, "Subscribe")
	if err != nil {
		return nil, err
	}
	go grpcReceive(s.Stream, in.take)
	return s, nil
}
