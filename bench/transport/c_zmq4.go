package main

// zmq4, ZeroMQ in Go.  The pattern is the one meant for the shape: REQ and REP, DEALER and ROUTER,
// PUSH and PULL, PUB and SUB without a high-water mark.

import (
	"context"
	"io"
	"log"

	"github.com/go-zeromq/zmq4"
)

const nameZMQ4 = "zmq4"

func init() {
	register(&contender{
		name:      nameZMQ4,
		kind:      peer,
		module:    "github.com/go-zeromq/zmq4",
		note:      "REQ and REP, DEALER and ROUTER, PUSH and PULL, PUB and SUB; no high-water mark",
		echo:      zmq4Echo,
		sink:      zmq4Sink,
		publish:   zmq4Publish,
		caller:    func(at place) (caller, error) { return dialZMQ4(at, zmq4.NewReq) },
		stream:    func(at place) (stream, error) { return dialZMQ4(at, zmq4.NewDealer) },
		sender:    func(at place) (sender, error) { return dialZMQ4(at, zmq4.NewPush) },
		subscribe: zmq4Subscribe,
	})
}

type zmq4New func(context.Context, ...zmq4.Option) zmq4.Socket

func listenZMQ4(s *site, make zmq4New, work func(zmq4.Socket)) (string, zmq4.Socket, error) {
	socket := make(context.Background(), quietZMQ4)
	if err := socket.Listen("tcp://127.0.0.1:0"); err != nil {
		return "", nil, err
	}
	if work != nil {
		go work(socket)
	}
	return socket.Addr().String(), socket, nil
}

var quietZMQ4 = zmq4.WithLogger(log.New(io.Discard, "", 0))

func zmq4Echo(s *site) (string, error) {
	kind, answer := zmq4.NewRep, zmq4.Socket.Send
	if s.work.shape == pipelined {
		kind, answer = zmq4.NewRouter, zmq4.Socket.SendMulti
	}
	addr, _, err := listenZMQ4(s, kind, func(socket zmq4.Socket) {
		for {
			msg, err := socket.Recv()
			if err != nil || answer(socket, msg) != nil {
				return
			}
		}
	})
	return addr, err
}

func zmq4Sink(s *site) (string, error) {
	in := s.tally.inlet()
	addr, _, err := listenZMQ4(s, zmq4.NewPull, func(socket zmq4.Socket) { zmq4Take(socket, in) })
	return addr, err
}

func zmq4Take(socket zmq4.Socket, in *inlet) {
	for {
		msg, err := socket.Recv()
		if err != nil {
			return
		}
		in.take(msg.Frames[0])
	}
}

type zmq4Socket struct{ zmq4.Socket }

func dialZMQ4(at place, make zmq4New) (zmq4Socket, error) {
	socket := make(context.Background(), quietZMQ4)
	return zmq4Socket{socket}, socket.Dial("tcp://" + at.addr)
}

func (s zmq4Socket) Send(msg []byte) error { return s.Socket.Send(zmq4.NewMsg(msg)) }

func (s zmq4Socket) Flush() error { return nil }

func (s zmq4Socket) Recv() ([]byte, error) {
	msg, err := s.Socket.Recv()
	if err != nil {
		return nil, err
	}
	return msg.Frames[len(msg.Frames)-1], nil
}

func (s zmq4Socket) Call(msg []byte) ([]byte, error) {
	if err := s.Send(msg); err != nil {
		return nil, err
	}
	return s.Recv()
}

// A zmq4Publisher gives each message away: a PUB socket sends it later.
type zmq4Publisher struct{ zmq4Socket }

func zmq4Publish(s *site) (string, sender, error) {
	addr, socket, err := listenZMQ4(s, zmq4.NewPub, nil)
	return addr, zmq4Publisher{zmq4Socket{socket}}, err
}

func (p zmq4Publisher) Send(msg []byte) error { return p.zmq4Socket.Send(append([]byte(nil), msg...)) }

func zmq4Subscribe(at place, in *inlet) (io.Closer, error) {
	s, err := dialZMQ4(at, zmq4.NewSub)
	if err != nil {
		return nil, err
	}
	go zmq4Take(s.Socket, in)
	return s, s.SetOption(zmq4.OptionSubscribe, "")
}
