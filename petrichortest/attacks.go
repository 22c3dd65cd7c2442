package petrichortest

// The list.  Attacks that are only bytes stand here whole; what the others do is
// in play.go.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/petrichor-protocol/petrichor"
)

// Attacks returns the attacks of every row that a peer can cause.  It is a table
// for anybody: where Bytes are set, they can be given to any reader of frames.
func Attacks() []Attack {
	return slices.Concat(
		sizes(), headers(), bodies(), endings(), strangers(), protocols(), // bytes
		silences(), crowds(), requests(), bombs(), farewells(), // more than bytes
	)
}

// sizes are announced, and nothing comes after them: twice, instead of a header
// and behind one.
func sizes() (list []Attack) {
	for _, c := range []struct {
		row       int
		name, why string
		size      string
	}{
		{1, "999,999,999 bytes announced", "a codec that believes it allocates them, for 10 bytes received", "999999999:"},
		{1, "2^31 bytes announced", "does not fit an int of 32 bits", "2147483648:"},
		{1, "2^32 bytes announced", "is 0 in 32 bits", "4294967296:"},
		{1, "2^63 bytes announced", "is negative in 64 bits", "9223372036854775808:"},
		{1, "2^64+5 bytes announced", "is 5 in 64 bits", "18446744073709551621:hello,"},
		{4, "a size without a colon", "a reader that waits for the colon reads for ever", strings.Repeat("1", 2000)},
		{4, "a size with a plus", "strtol takes it, others do not", "+5:hello,"},
		{4, "a size with a minus", "strtol takes it, and memory before the buffer is read", "-9:hello,"},
		{4, "a size with a space", "strtol skips it", " 5:hello,"},
		{4, "a size with a leading zero", "two sizes for one element smuggle a second one", "05:hello,"},
		{4, "a size with an underscore", "strconv takes it in base 0", "1_0:hellohello,"},
		{4, "a size in hex", "the same", "0x5:hello,"},
		{4, "a size with an exponent", "some read numbers as floats", "1e1:hellohello,"},
		{4, "no size", "an empty number is 0 to many", ":,"},
		{14, "an unknown tag", "a server that goes on reads the rest as frames", "5:hello?"},
	} {
		list = append(list,
			Attack{Row: c.row, Name: c.name, Why: c.why, Must: Cut, Bytes: []byte(c.size)},
			Attack{Row: c.row, Name: c.name + ", header", Why: c.why, Must: Cut, Allowed: true, Bytes: []byte(c.size)},
			Attack{Row: c.row, Name: c.name + ", body", Why: c.why, Must: Cut, Allowed: true, Bytes: []byte("0:}" + c.size)},
		)
	}
	return list
}

// headers are dicts outside and wrong inside.  Who decides by a header must have
// checked it: as a first frame it is refused, as a request it does no harm.
func headers() (list []Attack) {
	for _, c := range []struct {
		row       int
		name, why string
		inside    string
	}{
		{3, "an inner size beyond the header", "reads what follows the header", "1:a,99:b,"},
		{3, "an inner size of 999,999,998", "allocated before it is compared", "1:a,999999998:b,"},
		{5, "9,000 lists inside one another", "recursion without a limit ends in a stack overflow", "1:a," + string(nest(9000, petrichor.KindList))},
		{7, "101 dicts inside one another", "depth has to be counted where nobody looks, too", "1:a," + string(nest(101, petrichor.KindDict))},
		{16, "allowed twice", "whoever reads the other one lets in somebody else", "7:allowed,5:false!7:allowed,4:true!"},
		{16, "user twice", "CouchDB: one parser took the first, another the last, anyone was administrator", "4:user,1:a,4:user,5:admin,"},
		{17, "a key that is an int", "not every language has such keys", "1:1#1:a,"},
		{17, "a key without a value", "the last value is read past the end", "1:a,"},
		{18, "an int with a plus", "two spellings of one value", "1:a,2:+5#"},
		{18, "an int with a leading zero", "octal to some", "1:a,2:05#"},
		{18, "minus zero", "two spellings of one value", "1:a,2:-0#"},
		{18, "an empty int", "0 to many", "1:a,0:#"},
		{18, "an int of 5,000 digits", "conversion takes quadratic time", "1:a,5000:" + strings.Repeat("9", 5000) + "#"},
		{19, "a float that is nan", "not equal to itself", "1:a,3:nan^"},
		{19, "a float with a comma", "strtod takes it in some countries", "1:a,3:1,5^"},
		{19, "a float in hex", "strconv takes it", "1:a,6:0x1p-2^"},
		{20, "a bool that is True", "false to some, true to others", "1:a,4:True!"},
		{20, "a null with a payload", "bytes nobody looks at", "1:a,1:x~"},
		{21, "garbage after the last value", "bytes nobody looks at", "1:a,1:b,x"},
	} {
		header := petrichor.Append(nil, petrichor.KindDict, []byte(c.inside))
		frame := append(header, "0:~"...)
		list = append(list,
			Attack{Row: c.row, Name: c.name + ", first header", Why: c.why, Must: Refuse, Bytes: frame},
			Attack{Row: c.row, Name: c.name + ", header", Why: c.why, Must: Survive, Allowed: true, Bytes: frame},
		)
	}
	return list
}

// bodies are costly, or wrong inside, and below the default limits.
func bodies() (list []Attack) {
	const most = 1 << 20
	for _, c := range []struct {
		row       int
		name, why string
		body      []byte
	}{
		{5, "100,000 lists inside one another", "recursion without a limit ends in a stack overflow", nest(100_000, petrichor.KindList)},
		{5, "80,000 dicts inside one another", "the same", nest(80_000, petrichor.KindDict)},
		{9, "a list of 1 MiB of nulls", "each takes 16 bytes, or more, for 3", repeat("0:~", most)},
		{9, "a list of 1 MiB of small dicts", "a map takes 350 bytes for 9", repeat("6:0:,0:~}", most)},
		{10, "lists that each announce the rest", "capacity that is guessed from a size adds up to gigabytes", announcing(90, most)},
		{14, "a list with a wrong last element", "found at the end, after all the work", petrichor.Append(nil, petrichor.KindList, append(bytes.Repeat([]byte("0:~"), 1000), "1:x~"...))},
		{16, "a dict with 100,000 times the same key", "an error for each", petrichor.Append(nil, petrichor.KindDict, bytes.Repeat([]byte("1:k,0:~"), 100_000))},
		{18, "an int of 1,000,000 digits", "conversion takes quadratic time", petrichor.Append(nil, petrichor.KindInt, bytes.Repeat([]byte("9"), 1_000_000))},
		{19, "a list of floats that are 1e999", "infinite to some, an error to others", repeat("5:1e999^", most)},
		{23, "a dict whose keys collide", "hash tables without a seed take quadratic time", petrichor.Append(nil, petrichor.KindDict, colliding(most-100))},
		{25, "escape sequences in a key", "errors end up on terminals", []byte("19:12:\x1b[2J\x1b]0;x\a\r\n,1:x#}")},
	} {
		list = append(list, Attack{Row: c.row, Name: c.name, Why: c.why, Must: Survive, Allowed: true, Bytes: append([]byte("0:}"), c.body...)})
	}
	return list
}

// endings come too early, or there is no frame.
func endings() []Attack {
	const half = "a frame cut in two must not look like a shorter one"
	return []Attack{
		{Row: 13, Name: "an end inside the body", Why: half, Must: Ignore, Allowed: true, Bytes: []byte("0:}5:hel")},
		{Row: 13, Name: "an end before the last tag", Why: half, Must: Ignore, Allowed: true, Bytes: []byte("0:}5:hello")},
		{Row: 13, Name: "an end inside a size", Why: half, Must: Ignore, Allowed: true, Bytes: []byte("0:}1")},
		{Row: 13, Name: "an end inside the first frame", Why: half, Must: Ignore, Bytes: []byte("0:}5:hel")},
		{Row: 13, Name: "nothing at all", Why: "a port scan", Must: Ignore},
		{Row: 13, Name: "an end at every byte", Why: half, Must: Ignore, play: endEverywhere},
		{Row: 14, Name: "any byte another", Why: "bits flip, and people try", Must: Survive, play: changeEverywhere},
		{Row: 28, Name: "an end between header and body", Why: "a header alone is not a frame with an empty body", Must: Ignore, Allowed: true, Bytes: []byte("0:}")},
		{Row: 28, Name: "an end between the first header and body", Why: "the same", Must: Ignore, Bytes: []byte("0:}")},
		{Row: 28, Name: "a first header that is a string", Why: "code that reads keys of it panics", Must: Cut, Bytes: []byte("5:hello,0:~")},
		{Row: 28, Name: "a header that is a string", Why: "the same", Must: Cut, Allowed: true, Bytes: []byte("5:hello,0:~")},
		{Row: 28, Name: "a header that is a list", Why: "the same", Must: Cut, Allowed: true, Bytes: []byte("0:]0:~")},
		{Row: 28, Name: "a header that is a null", Why: "the same, of a nil map", Must: Cut, Allowed: true, Bytes: []byte("0:~0:~")},
		{Row: 26, Name: "good frames after a bad one", Why: "who goes on after a fault reads frames inside of bodies", Must: Cut, play: goOn},
		{Row: 26, Name: "16 MiB behind a bad frame", Why: "a request already condemned was parsed for ever", Must: Cut, play: pourBehind},
		{Row: 26, Name: "a header over the limit", Why: "memory", Must: Cut, play: overHeader},
		{Row: 26, Name: "a body over the limit", Why: "memory", Must: Cut, play: overBody},
		{Row: 26, Name: "a body of exactly the limit", Why: "a limit that is one off", Must: Serve, play: fullBody},
	}
}

// strangers do more than one who has not been allowed may.
func strangers() []Attack {
	const most = 16 << 10
	return []Attack{
		{Row: 27, Name: "a first header over 16 KiB", Why: "many of those nobody knows fill the memory", Must: Cut, Bytes: []byte("16385:")},
		{Row: 27, Name: "a first body over 16 KiB", Why: "the same", Must: Cut, Bytes: []byte("0:}16385:")},
		{Row: 27, Name: "first header and body together over 16 KiB", Why: "a limit for each is twice the limit", Must: Cut, Bytes: append(padded(most/2+100), fmt.Sprint(most/2, ":")...)},
		{Row: 27, Name: "a first frame is not echoed", Why: "a server that answers strangers with what they say is a mirror", Must: "answer a first frame with its own words", play: mirror},
		{Row: 27, Name: "requests behind a denied first frame", Why: "one frame is all that is read of a stranger", Must: "answer the first frame and nothing else", play: deniedRequests, needs: hasDenied},
		{Row: 27, Name: "a greeting and requests at once", Why: "peers that know they are welcome do not wait", Must: Serve, play: greetAndAsk},
	}
}

// protocols are others, on this port.
func protocols() (list []Attack) {
	for _, c := range []struct{ name, bytes string }{
		{"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x5a", 500)},
		{"SSH", "SSH-2.0-OpenSSH_9.7\r\n"},
		{"SMTP", "EHLO localhost\r\n"},
		{"RDP", "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"},
		{"Redis", "*1\r\n$4\r\nPING\r\n"},
		{"JSON", `{"jsonrpc":"2.0","method":"ping","id":1}` + "\n"},
		{"netstrings", "5:hello,5:world,"},
		{"a newline", "\n"},
		{"noise", "\x00\xff\x80\x7f\xfe\x01" + strings.Repeat("\xaa\x55", 4000)},
	} {
		list = append(list, Attack{
			Row: 31, Name: c.name, Why: "the wrong port, or a scan; such bytes have tripped assertions", Must: Cut, Bytes: []byte(c.bytes),
		})
	}
	return list
}

// silences are peers that wait until the server does not.
func silences() []Attack {
	const slow = "slowloris: whoever resets a deadline with each byte waits for ever"
	return []Attack{
		{Row: 32, Name: "silent", Why: "connections are cheap for the peer", Must: "cut when its handshake deadline has passed", play: silent, waits: true},
		{Row: 32, Name: "a slow first frame", Why: slow, Must: "cut when its handshake deadline has passed", play: slowFirst, waits: true},
		{Row: 33, Name: "a slow header", Why: slow, Must: "cut a frame's deadline after its first byte", play: slowHeader, waits: true},
		{Row: 33, Name: "a slow body", Why: slow, Must: "cut a frame's deadline after its first byte", play: slowBody, waits: true},
		{Row: 34, Name: "allowed and idle", Why: "peers that lose their network never say so", Must: "cut when its idle deadline has passed", play: idle, waits: true},
		{Row: 34, Name: "idle after requests", Why: "the same, later", Must: "cut when its idle deadline has passed", play: idleLater, waits: true},
		{Row: 34, Name: "never idle for long", Why: "a deadline that nothing moves cuts good peers", Must: Serve, play: busy, waits: true},
		{Row: 39, Name: "never reads", Why: "replies pile up, or a handler waits for ever", Must: "cut when its write deadline has passed", play: neverReads, waits: true},
	}
}

// crowds are many at once.
func crowds() []Attack {
	return []Attack{
		{Row: 35, Name: "50,000 empty frames", Why: "the cheapest work there is", Must: "answer or cut, and serve others", play: emptyFrames},
		{Row: 36, Name: "300 connects and resets", Why: "an accept loop that ends with an error of one peer", Must: "go on", play: connectAndReset},
		{Row: 36, Name: "more connections than it holds", Why: "descriptors run out", Must: "close those beyond at once, and accept again later", play: fill, needs: hasMaxConns},
		{Row: 37, Name: "unfinished peers, and a good one", Why: "libzmq: one raw connection kept all others from being served", Must: "serve the good one within 50 milliseconds", play: crowd},
		{Row: 38, Name: "everybody announces the most", Why: "memory reserved for what never comes", Must: "serve others", play: announceAll},
		{Row: 39, Name: "some who never read, and good ones", Why: "one slow reader slows all", Must: "serve the good ones as before", play: slowReaders},
		{Row: 40, Name: "requests, and gone", Why: "HTTP/2's rapid reset: work for those who have left", Must: "forget them", play: askAndReset},
	}
}

// requests are many on one connection, or on several.
func requests() []Attack {
	return []Attack{
		{Row: 12, Name: "one byte at a time", Why: "a read is not a frame", Must: Serve, play: byteByByte},
		{Row: 24, Name: "8 peers, each with its own bytes", Why: "a buffer that two connections share tells one about the other", Must: "give each its own", play: canaries},
		{Row: 30, Name: "64 requests of all sizes at once", Why: "two goroutines that write at once mix their frames", Must: "answer in whole frames", play: allSizes},
		{Row: 40, Name: "1,000 requests at once", Why: "a goroutine for each, or a deadlock with a peer that sends first and reads later", Must: Serve, play: pipeline},
		{Row: 41, Name: "a handler that panics", Why: "one request ends everybody's connections", Must: "cut this connection and no other", play: panicked, needs: hasPanics},
		{Row: 44, Name: "ids out of order", Why: "replies that are matched by luck", Must: "reply with the id of the request, or in order", play: ids},
	}
}

// farewells are how peers go.
func farewells() []Attack {
	return []Attack{
		{Row: 42, Name: "an end after a request", Why: "a peer that has no more to say still listens", Must: "reply, and close", play: endAfterRequest},
		{Row: 42, Name: "an end after 100 requests", Why: "the same", Must: "reply to all, and close", play: endAfterMany},
		{Row: 42, Name: "an end after the greeting", Why: "a connection that is never closed is a descriptor less", Must: "close", play: endAfterGreeting},
		{Row: 43, Name: "200 denied peers", Why: "those who are turned away are forgotten last", Must: "deny and close", play: denyMany, needs: hasDenied},
	}
}

func hasDenied(s *Target) bool   { return s.denied != nil }
func hasPanics(s *Target) bool   { return s.panics != nil }
func hasMaxConns(s *Target) bool { return s.conns > 0 }

// nest is n containers inside one another; a dict has the next one under "".
func nest(n int, k petrichor.Kind) []byte {
	inner := map[petrichor.Kind]string{petrichor.KindList: "", petrichor.KindDict: "0:,"}[k]
	head := make([]string, n)
	size := 0
	for i := n - 1; i >= 0; i-- {
		if i < n-1 {
			head[i+1] = inner + head[i+1]
			size += len(inner)
		}
		head[i] = fmt.Sprint(size, ":")
		size += len(head[i]) + 1
	}
	return []byte(strings.Join(head, "") + strings.Repeat(string(rune(k)), n))
}

// repeat is a list of one element again and again, n bytes of payload at most.
func repeat(element string, n int) []byte {
	return petrichor.Append(nil, petrichor.KindList, bytes.Repeat([]byte(element), n/len(element)))
}

// announcing is depth lists inside one another, and the payload of each is all
// that is left of n.
func announcing(depth, n int) []byte {
	b := bytes.Repeat([]byte("0:~"), (n-depth*16)/3)
	for range depth {
		b = petrichor.Append(nil, petrichor.KindList, b)
	}
	return b
}

// colliding is entries whose keys have the same h*31+c, n bytes at most.
func colliding(n int) []byte {
	const pairs = 16
	entry := len("32:") + 2*pairs + len(",0:~")
	b := make([]byte, 0, n)
	for i := 0; len(b)+entry <= n && i < 1<<pairs; i++ {
		b = append(b, "32:"...)
		for bit := range pairs {
			b = append(b, []string{"Aa", "BB"}[i>>bit&1]...)
		}
		b = append(b, ",0:~"...)
	}
	return b
}

// padded is a header of n bytes and a few.
func padded(n int) []byte {
	entry := petrichor.Append([]byte("1:p,"), petrichor.KindString, bytes.Repeat([]byte("p"), n))
	return petrichor.Append(nil, petrichor.KindDict, entry)
}
