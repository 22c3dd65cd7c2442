// Package compress makes frames smaller on their way, where both peers have agreed on
// it in their first frames.
//
//	x := compress.New(compress.Config{})
//	conn, answer, err := petrichor.Connect(ctx, "tcp", addr, header, body, petrichor.WithExtensions(x))
//
// The same option makes Accept and Allow agree, so a service.Server has it in its
// Options, and a service.Client in those of its ClientConfig.  A peer that knows nothing
// of it is sent frames as they are.
//
// There are two ways.  [Deflate] compresses each body by itself, when it is large enough
// for that.  [DeflateStream] sends whole frames through one window for each direction of
// the connection, so that a frame costs what is new in it: small frames that are alike
// become several times smaller, which by themselves would grow.  It takes about a
// megabyte for each connection.
//
// # Secrets
//
// Compression tells how long what it makes is, and so how much of one text is in another.
// One who sees lengths, and can have a text of his put into the same body or window as a
// secret, guesses it piece by piece, encrypted or not (CRIME, BREACH).  With Deflate
// that is a body that has both; with DeflateStream it is all frames of a connection in
// one direction, headers too.  So use DeflateStream only where all that is sent on a
// connection is of one who may know all of it, and name what must stay outside with
// Config.Secret: such frames are sent as they are, and touch no window.
//
// # Bombs
//
// What comes out keeps the limits of the Conn, and is at most 64 KiB and 100 times what
// came in.  The size is announced, so that what is too large is refused before it is
// inflated, and what is larger than announced as soon as it is.  Nothing is
// inflated for a peer that has not been allowed.
//
// docs/compression.md describes the bytes.
//
// # A map of the source
//
//	compress.go   what can be set; the Extension
//	filter.go     which frames are compressed, and how
//	mark.go       compressed frames on the wire
//	deflate.go    Deflate and DeflateStream
package compress
