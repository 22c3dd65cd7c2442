// Package petrichortest helps to harden programs that speak petrichor.
//
// [TestServer] attacks any server as hostile and broken peers do, and judges
// from outside what it does about it.  What it attacks with is a list that can be
// used by itself, [Attacks].
//
// A [Proxy] stands between a client and a server and does to their connections
// what networks do: resets, cuts, delays, tiny portions, changed bytes.
//
// [Values], [Frames], [Hostile] and their kin generate what properties are
// checked with, for pgregory.net/rapid.
//
// docs/hardening.md begins with a whole test.
package petrichortest
