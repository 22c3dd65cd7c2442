package conform

import (
	"encoding/binary"
	"io"
)

// A capture is packets as Wireshark reads them, of TCP connections between a
// client, 10.0.0.1 and a port of its own for each, and a server, 10.0.0.2.
type capture struct {
	w       io.Writer
	port    uint16 // of the server
	packets uint32
	err     error
}

const petrichorPort = 7670

func newCapture(w io.Writer, port uint16) *capture {
	c := &capture{w: w, port: port}
	c.put(binary.LittleEndian, uint32(0xa1b2c3d4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(1<<18), uint32(101)) // raw IP
	return c
}

func (c *capture) put(order binary.ByteOrder, fields ...any) {
	for _, f := range fields {
		if c.err == nil {
			c.err = binary.Write(c.w, order, f)
		}
	}
}

// Flags of TCP.
const (
	fin = 1 << iota
	syn
	_
	push
	ack
)

// A flow is one connection in a capture.
type flow struct {
	*capture
	port uint16    // of the client
	next [2]uint32 // sequence numbers: of the client, of the server
}

const (
	client = 0
	server = 1
)

// connect begins a connection.
func (c *capture) connect(port uint16) *flow {
	f := &flow{c, port, [2]uint32{1000, 2000}}
	f.segment(client, syn, nil)
	f.segment(server, syn|ack, nil)
	f.segment(client, ack, nil)
	return f
}

// send sends b in segments of n bytes at most.
func (f *flow) send(from int, b []byte, n int) {
	for ; len(b) > 0; b = b[min(n, len(b)):] {
		f.segment(from, push|ack, b[:min(n, len(b))])
	}
}

// end closes the connection.
func (f *flow) end() {
	f.segment(client, fin|ack, nil)
	f.segment(server, fin|ack, nil)
	f.segment(client, ack, nil)
}

func (f *flow) segment(from int, flags uint16, b []byte) {
	const ipSize, tcpSize = 20, 20
	addrs := [2]uint32{0x0a000001, 0x0a000002}
	ports := [2]uint16{f.port, f.capture.port}
	size := ipSize + tcpSize + len(b)
	f.packets++
	f.put(binary.LittleEndian, f.packets, uint32(0), uint32(size), uint32(size))
	f.put(binary.BigEndian, uint16(0x4500), uint16(size), uint16(f.packets), uint16(0), uint8(64), uint8(6), uint16(0), addrs[from], addrs[1-from])
	acked := f.next[1-from]
	if flags&ack == 0 {
		acked = 0
	}
	f.put(binary.BigEndian, ports[from], ports[1-from], f.next[from], acked, uint16(tcpSize/4<<12)|flags, uint16(65535), uint16(0), uint16(0), b)
	f.next[from] += uint32(len(b))
	if flags&(syn|fin) != 0 {
		f.next[from]++
	}
}
