// Package petrichor reads and writes HEADER,BODY pairs of tnetstrings over any
// byte stream.
//
// A tnetstring is the size of its payload in bytes, a colon, the payload, and a
// tag that tells its kind:
//
//	5:hello,                      a string
//	2:42#                         an int
//	21:4:user,3:zed,1:n,1:1#}     a dict of a string and an int
//
// A frame is two of them in a row: a HEADER, which is a dict, and a BODY, which
// is anything. A protocol is frames. There is nothing else: no preamble, no
// escapes, no schema; it can be read with netcat and written with printf.
//
// # Use
//
// [Marshal] and [Unmarshal] turn Go values into tnetstrings and back as
// encoding/json does with JSON. An [Encoder] and a [Decoder] do it on a stream,
// element by element or frame by frame, with limits that are on by default. A
// [Parser] is a Decoder without a reader: bytes go in as they come, frames come
// out, so it fits any event loop. A [Conn] adds what two peers say first: who
// one is, and whether the other allows it. [Cut], [CutFrame] and [Valid] are
// the wire without Go types.
//
// # Kinds and Go types
//
//	kind    tag  payload                      Go types written as it          into an any
//	null    ~    nothing                      nil pointer, map, slice, any    nil
//	bool    !    true or false                bool                            bool
//	int     #    0, or -?[1-9][0-9]*          integers, *big.Int, Number      int64, else *big.Int
//	float   ^    a JSON number                floats, Number                  float64
//	string  ,    any bytes                    string, []byte, [N]byte, text   string
//	list    ]    elements                     slices and arrays               []any
//	dict    }    key and value in turn        structs, maps, Dict             map[string]any or Dict
//	text    ;    UTF-8, only with AllowText   string                          string; , is []byte
//
// There is one spelling of every value, and petrichor writes that one. Map keys
// are sorted by their bytes, struct fields come in declared order, a [Dict] keeps
// its own. Floats have the shortest digits that read back, a point always, and
// no exponent below 1e21. A time.Duration is the int of its nanoseconds.
//
// Of an int or a float, as much fits into a Go type as the type can hold, and
// the rest is a [TypeError]; nothing wraps and no int becomes a float unless the
// target is one. Null leaves alone what cannot be nil. Keys match struct fields
// exactly. Lists read into arrays may be longer or shorter; strings read into
// [N]byte have N bytes.
//
// Types with methods of their own are asked in this order: [Marshaler] and
// [Unmarshaler]; encoding.TextMarshaler and TextUnmarshaler, whose text is a
// string (time.Time, netip.Addr); encoding.BinaryMarshaler and
// BinaryUnmarshaler, whose bytes are one (url.URL). A method with a pointer
// receiver is found whether or not the value is addressable.
//
// # Struct tags
//
//	Name string            `tnet:"name"`           // under this key
//	Size int               `tnet:"size,omitempty"` // left out when false, 0, nil or of length 0
//	When time.Time         `tnet:",omitzero"`      // left out when zero, by its own IsZero where it has one
//	ID   uint64            `tnet:"id,string"`      // a number or bool, as a string
//	Sub  Struct            `tnet:",inline"`        // its fields as if they were declared here
//	More map[string]any    `tnet:",inline"`        // takes every key that no field has
//	Not  chan int          `tnet:"-"`              // never
//
// Embedded structs are inlined, and which field wins a name follows Go's own
// rules as encoding/json applies them.
//
// # Bad input
//
// What is read is read strictly: of two programs that read the same bytes
// differently, somebody makes use. Sizes and ints have no leading zeros, keys
// are strings and occur once, an element lies within its container. What other
// programs write differently is accepted by name, with an [Option].
//
// Bad bytes are a [SyntaxError] with offset and path, a value that does not fit
// is a [TypeError] with the same; errors.Is with one of the Err values says what
// it is. An error leaves the target exactly as it was. Memory grows with what
// has arrived, never with what was announced. The limits are those of a server
// on the open internet: [MaxSize], [MaxHeaderSize], [MaxDepth], [MaxValues].
//
// # Who owns the bytes
//
// The low level borrows, the high level owns. What Cut and CutFrame return
// aliases their argument. What Parser.Next, Decoder.ReadFrame and their kin
// return is valid until the next call. What Unmarshal, Decode and Conn.Recv give
// is the caller's to keep.
//
// # A map of the source
//
// Calls only go down this list, so it can be read from either end; but the plans
// of reflect.go, structs.go, methods.go, any.go and common.go call one another, as the values
// do that lie inside one another:
//
//	conn.go                 first frames, and frames both ways
//	outbox.go, inbox.go     what a Conn is to write, and the buffer it reads into
//	decoder.go, encoder.go  over io.Reader and io.Writer
//	parser.go, pieces.go    the buffer; bytes in, frames out, no I/O
//	extension.go            what first frames agree on
//	frame.go                two elements, the first a dict
//	walk.go                 looking into elements without decoding them
//	marshal.go              one-shot, over the plans
//	reflect.go, fields.go   from a Go type to its plan
//	structs.go, shortcut.go structs as dicts; the commonest types past their plans
//	methods.go, any.go      types that write themselves; values without a type
//	common.go               the usual types, without reflection for each element
//	state.go                what one encoding and one decoding carry along
//	element.go              the wire, both ways
//	number.go, rfc3339.go   the text of numbers and times
//	options.go, errors.go   limits and leniency; what is wrong and where
package petrichor
