// Package transport opens streams by their addresses, so that a program need not
// know which kind it speaks over.
//
//	HOST:PORT, tcp://HOST:PORT  TCP; without HOST it is the loopback
//	tls://HOST:PORT             TLS as package secure has it
//	unix:///PATH                a socket of this machine
//	exec:CMD                    the stdin and stdout of a command that a shell runs: ssh,
//	                            socat, or a peer in any language
//	stdio:                      our own stdin and stdout
//	file:PATH                   a device or a pipe, both ways; or a file that is read, as
//	                            a stream that has been recorded
//	file:PATH,PATH              the same, and a file for what is written
//
// An address of exec: is a program, and one of file: names any file: do not take
// either from a stranger.
//
// # A map of the source
//
//	address.go  what an address says
//	dial.go     Dial
//	listen.go   Listen; a listener for what has one peer only
//	exec.go     a command
//	file.go     files, devices, stdin and stdout
//	duplex.go   two files as one stream
package transport
