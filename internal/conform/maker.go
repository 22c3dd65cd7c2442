package conform

import (
	"bytes"
	"math/rand/v2"
	"strconv"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/spec"
)

// A Maker makes questions, the same ones from the same seed: about vectors, and
// values of its own, some with a fault deep inside, most of them then damaged.
type Maker struct {
	*rand.Rand
	reads   []string // beside element
	vectors [][]byte
}

// NewMaker returns a Maker of questions that read elements, and of some that read
// one of reads.
func NewMaker(seed uint64, reads ...string) *Maker {
	m := &Maker{rand.New(rand.NewPCG(seed, 1)), reads, nil}
	for _, v := range spec.Vectors() {
		m.vectors = append(m.vectors, v.Wire)
	}
	return m
}

func (m *Maker) chance(percent int) bool { return m.IntN(100) < percent }

// Question makes one. First frames and answers are read with the defaults.
func (m *Maker) Question() Question {
	q := Question{Read: "element", Limits: map[string]int{}}
	if m.chance(30) {
		q.Read = m.reads[m.IntN(len(m.reads))]
	}
	if q.Read == "element" || q.Read == "frames" {
		m.ease(&q)
	}
	q.Wire = m.wire(q.Read)
	for m.chance(60) {
		q.Wire = m.damaged(q.Wire)
	}
	return q
}

// ease gives q options and limits, now and then.
func (m *Maker) ease(q *Question) {
	odd := m.chance(30)
	for _, name := range OptionNames {
		if odd && m.chance(50) {
			q.Options = append(q.Options, name)
		}
	}
	for _, limit := range []struct {
		name string
		most int
	}{{"size", 300}, {"depth", 6}, {"values", 30}} {
		if m.chance(5) {
			q.Limits[limit.name] = m.IntN(limit.most)
		}
	}
}

func (m *Maker) wire(read string) []byte {
	if m.chance(30) {
		return bytes.Clone(m.vectors[m.IntN(len(m.vectors))])
	}
	if read == "element" {
		return m.element(4)
	}
	var b []byte
	for range m.IntN(4) {
		b = append(b, m.dict(2)...)
		b = append(b, m.element(3)...)
	}
	return b
}

var (
	ints   = []string{"0", "-1", "-0", "+5", "007", "", "-", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551616", "1x", " 1", "0x1f", "1e3"}
	floats = []string{"0.0", "-0.0", "1", "1.", ".5", ".", "00.5", "+1.5", "1e5", "1E-7", "1e", "1e+", "1.5e+300", "1e400", "-1e309", "5e-324", "1e-400", "inf", "-Infinity", "NaN", "nano", "0.1", "1e21", "1e20", "5.684341886080802e-14", "1,5", "1e0000000000000000001"}
	words  = []string{"true", "false", "", "True", "truee", "1"}
	tags   = []byte(",#^!~]};:x")
)

// element makes an element with at most so many levels inside.
func (m *Maker) element(levels int) []byte {
	kinds := 7
	if levels == 0 {
		kinds = 5
	}
	switch m.IntN(kinds) {
	case 0:
		return m.scalar('!', words)
	case 1:
		return m.number('#', ints)
	case 2:
		return m.number('^', floats)
	case 3:
		return m.str()
	case 4:
		if m.chance(10) {
			return petrichor.Append(nil, petrichor.KindNull, m.bytes(2))
		}
		return []byte("0:~")
	case 5:
		return m.list(levels - 1)
	}
	return m.dict(levels - 1)
}

// scalar makes one of the texts, mostly one of the first two.
func (m *Maker) scalar(k petrichor.Kind, texts []string) []byte {
	i := m.IntN(2)
	if m.chance(10) {
		i = m.IntN(len(texts))
	}
	return petrichor.Append(nil, k, []byte(texts[i]))
}

func (m *Maker) number(k petrichor.Kind, odd []string) []byte {
	var text string
	switch {
	case m.chance(20):
		text = odd[m.IntN(len(odd))]
	case m.chance(3):
		text = string(bytes.Repeat([]byte("7"), 395+m.IntN(10)))
	case k == petrichor.KindInt:
		text = strconv.FormatInt(int64(m.Uint64())>>m.IntN(64), 10)
	default:
		text = strconv.FormatFloat(m.NormFloat64()*float64(m.IntN(1e6)), "efg"[m.IntN(3)], m.IntN(20)-1, 64)
	}
	return petrichor.Append(nil, k, []byte(text))
}

func (m *Maker) str() []byte {
	k := petrichor.KindString
	if m.chance(15) {
		k = petrichor.KindText
	}
	if m.chance(5) {
		k = petrichor.Kind(tags[m.IntN(len(tags))])
	}
	return petrichor.Append(nil, k, m.bytes(12))
}

// bytes makes up to n bytes, many of which mean something.
func (m *Maker) bytes(n int) []byte {
	const often = "0123456789:,#^!~]};aaabbb-+.eE\x00\xff\xc3\xa9\xed\xa0\x80"
	b := make([]byte, m.IntN(n+1))
	for i := range b {
		b[i] = often[m.IntN(len(often))]
	}
	return b
}

func (m *Maker) list(levels int) []byte {
	var b []byte
	for range m.IntN(5) {
		b = append(b, m.element(levels)...)
	}
	return petrichor.Append(nil, petrichor.KindList, b)
}

// dict makes a dict of few keys, or of many, in order or in none, which now and
// then has a key twice, or one that is no string.
func (m *Maker) dict(levels int) []byte {
	n, letters, sorted, odd := m.IntN(5), 1000, m.chance(50), m.chance(5)
	if m.chance(3) {
		n, levels = m.IntN(200), 0
	}
	if m.chance(20) {
		letters = 1 + n*n/2
	}
	var b []byte
	for i := range n {
		key := "k" + strconv.Itoa(m.IntN(letters))
		if sorted {
			key = "k" + strconv.Itoa(1000+i)
		}
		if m.chance(5) {
			key = "allowed"
		}
		kind := petrichor.KindString
		if odd && m.chance(50) {
			kind = petrichor.Kind(tags[m.IntN(len(tags))])
		}
		b = petrichor.Append(b, kind, []byte(key))
		b = append(b, m.element(levels)...)
	}
	return petrichor.Append(nil, petrichor.KindDict, b)
}

// damaged changes b in one place.
func (m *Maker) damaged(b []byte) []byte {
	if len(b) == 0 {
		return m.bytes(8)
	}
	i := m.IntN(len(b))
	j := i + m.IntN(len(b)-i)
	switch m.IntN(7) {
	case 0: // another byte
		b[i] = byte(m.IntN(256))
	case 1: // one that means something
		copy(b[i:], m.bytes(1))
	case 2: // a size, most likely, that is one off
		for b[i]-'0' > 9 && i > 0 {
			i--
		}
		b[i] += byte(2*m.IntN(2) - 1)
	case 3: // something in between
		b = append(b[:i:i], append(m.bytes(3), b[i:]...)...)
	case 4: // something left out
		b = append(b[:i:i], b[min(len(b), i+1+m.IntN(3)):]...)
	case 5: // cut off
		b = b[:i]
	case 6: // a piece twice
		b = append(b[:j:j], b[i:]...)
	}
	return b
}
