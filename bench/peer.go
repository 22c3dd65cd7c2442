package main

// A peer is one codec in the contests.
type peer struct {
	name   string
	module string // where its version is found; empty for the standard library and for ours
	kind   peerKind
	text   bool // whether numbers are text on the wire
	note   string
	codec  func(s *subject) *codec // nil if it has none for s
}

type peerKind string

const (
	ours      peerKind = "petrichor"
	floor     peerKind = "floor"
	runTime   peerKind = "run-time" // finds out about types while running, by any means
	generated peerKind = "generated"
)

// Peers with names that targets refer to.
const (
	namePetrichor = "petrichor"
	nameFrames    = "petrichor frames"
	nameHand      = "hand"
	nameMemcpy    = "memcpy"
	nameJSON      = "encoding/json"
	nameGoccy     = "goccy/go-json"
	nameSonic     = "bytedance/sonic"
	nameCBOR      = "fxamacker/cbor"
	nameMsgp      = "tinylib/msgp"
)

// any is for peers that take every subject alike.
func forAny(make func() *codec) func(*subject) *codec {
	return func(*subject) *codec { return make() }
}

var peers = []*peer{
	{name: namePetrichor, kind: ours, text: true, codec: forAny(petrichorCodec)},
	{name: nameHand, kind: floor, text: true, codec: handCodec},
	{name: nameJSON, kind: runTime, text: true, codec: forAny(jsonCodec)},
	{name: nameGoccy, module: "github.com/goccy/go-json", kind: runTime, text: true, codec: forAny(goccyCodec)},
	{name: nameSonic, module: "github.com/bytedance/sonic", kind: runTime, text: true, codec: forAny(sonicCodec)},
	{name: nameCBOR, module: "github.com/fxamacker/cbor/v2", kind: runTime, codec: forAny(fxamackerCodec)},
	{name: nameMsgp, module: "github.com/tinylib/msgp", kind: generated, codec: msgpCodec},
}

func peerNamed(name string) *peer {
	for _, p := range peers {
		if p.name == name {
			return p
		}
	}
	return nil
}
