package main

import "slices"

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

// forAny is for peers that take every subject alike.
func forAny(make func() *codec) func(*subject) *codec {
	return func(*subject) *codec { return make() }
}

var peers = []*peer{
	{name: namePetrichor, kind: ours, text: true, codec: forAny(petrichorCodec)},
	{name: nameFrames, kind: ours, text: true, codec: framesCodec},
	{name: nameHand, kind: floor, text: true, codec: handCodec},
	{name: nameMemcpy, kind: floor, codec: memcpyCodec},
	{name: nameJSON, kind: runTime, text: true, codec: forAny(jsonCodec)},
	{name: "go-json-experiment", module: "github.com/go-json-experiment/json", kind: runTime, text: true, codec: forAny(jsonv2Codec)},
	{name: nameGoccy, module: "github.com/goccy/go-json", kind: runTime, text: true, codec: forAny(goccyCodec)},
	{name: nameSonic, module: "github.com/bytedance/sonic", kind: runTime, text: true, codec: forAny(sonicCodec)},
	{name: "segmentio/encoding", module: "github.com/segmentio/encoding", kind: runTime, text: true, codec: forAny(segmentioCodec)},
	{name: "json-iterator", module: "github.com/json-iterator/go", kind: runTime, text: true, codec: forAny(jsoniterCodec)},
	{name: nameCBOR, module: "github.com/fxamacker/cbor/v2", kind: runTime, codec: forAny(fxamackerCodec)},
	{name: "ugorji cbor", module: "github.com/ugorji/go/codec", kind: runTime, codec: forAny(ugorjiCBORCodec)},
	{name: "ugorji msgpack", module: "github.com/ugorji/go/codec", kind: runTime, codec: forAny(ugorjiMsgpackCodec)},
	{name: "vmihailenco/msgpack", module: "github.com/vmihailenco/msgpack/v5", kind: runTime, codec: forAny(vmihailencoCodec)},
	{name: "shamaton/msgpack", module: "github.com/shamaton/msgpack/v3", kind: runTime, codec: forAny(shamatonCodec)},
	{name: "hashicorp/go-msgpack", module: "github.com/hashicorp/go-msgpack/v2", kind: runTime, codec: forAny(hashicorpCodec)},
	{name: "encoding/gob", kind: runTime, codec: forAny(gobCodec)},
	{name: "anacrolix bencode", module: "github.com/anacrolix/torrent", kind: runTime, text: true, codec: forAny(anacrolixCodec)},
	{name: "zeebo/bencode", module: "github.com/zeebo/bencode", kind: runTime, text: true, codec: forAny(zeeboCodec)},
	{name: nameMsgp, module: "github.com/tinylib/msgp", kind: generated, codec: msgpCodec},
	{name: "protobuf", module: "google.golang.org/protobuf", kind: generated, codec: protobufCodec},
	{name: "vtprotobuf", module: "github.com/planetscale/vtprotobuf", kind: generated, codec: vtprotobufCodec},
	{name: "mus", module: "github.com/mus-format/mus-go", kind: generated, codec: musCodec},
	{name: "benc", module: "github.com/deneonet/benc", kind: generated, codec: bencCodec},
}

func peerNamed(name string) *peer {
	return peers[slices.IndexFunc(peers, func(p *peer) bool { return p.name == name })]
}
