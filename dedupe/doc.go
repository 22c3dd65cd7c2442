// Package dedupe has a request that is sent again handled once, and a body that is sent
// again sent once.
//
// # Requests
//
// A request with the header key "once" is handled once in five minutes, however often it
// comes and over whichever connection, and each time answered as the first time:
//
//	s := &service.Server{Handle: dedupe.Handler(&dedupe.Window{}, handle)}
//
// On the other side [Request] gives a request such a key, and lets a Client try it again
// when the connection breaks:
//
//	reply, err := dedupe.Request(ctx, client, header, body)
//
// Requests without the key are handled as ever.
//
// What is remembered belongs to who has asked, as Server.Identify has verified it: nobody
// gets at another's replies, or uses up another's place.  A peer that nobody has
// verified is refused, unless Options.Anonymous allows it.
//
// # Bodies
//
// [Bodies] is an Extension: both peers hold the last bodies that were sent, and one that
// is sent again is sent as its SHA-256.  Like compression it tells one who sees lengths
// something: that a body has been sent before.
//
// docs/dedupe.md describes the bytes.
//
// # A map of the source
//
//	handler.go   requests that come again are answered
//	window.go    what is remembered, in memory
//	client.go    the other side
//	bodies.go    bodies as digests
package dedupe
