package conform

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/petrichor-protocol/petrichor/spec"
)

// A Tshark is Wireshark's command-line tool with the dissector of
// contrib/wireshark, which sees vectors as traffic.
type Tshark struct {
	Script  string // the dissector
	Dir     string // for captures
	Segment int    // bytes in a packet
}

// body is the header that an element is the body of.
const bodyHeader = "0:}"

// Sees reports whether v can be traffic.  An element is the body of a frame there,
// and where no depth at all is allowed no frame is.
func (t *Tshark) Sees(v spec.Vector) bool {
	depth, limited := v.Limits["depth"]
	return v.Read != "element" || !limited || depth > 0
}

// Answers is what the dissector makes of those of vectors that it sees.
func (t *Tshark) Answers(vectors []spec.Vector) (map[string]Answer, error) {
	groups := map[string][]spec.Vector{}
	for _, v := range vectors {
		if !t.Sees(v) {
			continue
		}
		groups[prefsOf(v)] = append(groups[prefsOf(v)], v)
	}
	all := map[string]Answer{}
	for prefs, group := range groups {
		if err := t.group(strings.Fields(prefs), group, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// prefsOf are the preferences of the dissector for v.
func prefsOf(v spec.Vector) string {
	prefs := map[string]string{}
	if v.Read == "element" {
		prefs["size"], prefs["values"] = "999999999", "999999999"
	}
	for name, n := range v.Limits {
		prefs[name] = strconv.Itoa(n)
	}
	for _, name := range v.Options {
		prefs[name] = "TRUE"
	}
	list := []string{}
	for name, value := range prefs {
		list = append(list, "petrichor."+name+":"+value)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// group asks about vectors that want the same preferences.
func (t *Tshark) group(prefs []string, vectors []spec.Vector, all map[string]Answer) error {
	path := filepath.Join(t.Dir, "vectors.pcap")
	if err := t.write(path, vectors); err != nil {
		return err
	}
	args := []string{"-r", path, "-X", "lua_script:" + t.Script, "-T", "json", "-J", "tcp petrichor", "-Y", "petrichor || _ws.lua.error"}
	for _, pref := range prefs {
		args = append(args, "-o", pref)
	}
	cmd := exec.Command("tshark", args...)
	said := &Tail{}
	cmd.Stderr = said
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("tshark: %w%s", err, said)
	}
	if bytes.Contains(out, []byte("Lua Error")) || strings.Contains(said.String(), "Lua") {
		return fmt.Errorf("the dissector fails%s", said)
	}
	packets, err := readTree(out)
	if err != nil {
		return fmt.Errorf("what tshark prints: %w", err)
	}
	pdus := byPort(packets)
	for i, v := range vectors {
		all[v.Name] = answerOf(v, pdus[portOf(i)])
	}
	return nil
}

func portOf(i int) uint16 { return uint16(10_000 + i) }

// write writes a capture in which each vector is a connection.
func (t *Tshark) write(path string, vectors []spec.Vector) error {
	return record(path, petrichorPort, func(c *capture) {
		for i, v := range vectors {
			c.vector(v, portOf(i), t.Segment)
		}
	})
}

func (c *capture) vector(v spec.Vector, port uint16, segment int) {
	f := c.connect(port)
	switch v.Read {
	case "first":
		f.send(client, v.Wire, segment)
	case "element":
		f.send(client, []byte("0:}0:,"), segment)
		f.send(server, append([]byte(bodyHeader), v.Wire...), segment)
	default:
		f.send(client, []byte("0:}0:,"), segment)
		f.send(server, v.Wire, segment)
	}
	f.end()
}

// record writes a capture of connections to port.
func record(path string, port uint16, fill func(*capture)) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	c := newCapture(w, port)
	if fill(c); c.err != nil {
		return c.err
	}
	return w.Flush()
}

// Find returns which of sent a filter finds, each sent by the client of a connection to a port that nobody has said is petrichor's.
func (t *Tshark) Find(filter string, sent []string, args ...string) ([]int, error) {
	path := filepath.Join(t.Dir, "sent.pcap")
	err := record(path, 1234, func(c *capture) {
		for i, text := range sent {
			f := c.connect(portOf(i))
			f.send(client, []byte(text), t.Segment)
			f.end()
		}
	})
	if err != nil {
		return nil, err
	}
	args = append([]string{"-r", path, "-X", "lua_script:" + t.Script, "-T", "fields", "-e", "tcp.srcport", "-Y", filter}, args...)
	out, err := exec.Command("tshark", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("tshark: %w", err)
	}
	var found []int
	for port := range strings.FieldsSeq(string(out)) {
		n, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		found = append(found, n-int(portOf(0)))
	}
	return found, nil
}

// A tree is what tshark shows of a packet: names, values, and what is inside.
type tree struct {
	name, text string
	inner      []*tree
}

// find returns all that has this name, outermost first.
func (t *tree) find(name string) (all []*tree) {
	for _, inner := range t.inner {
		if inner.name == name {
			all = append(all, inner)
			continue
		}
		all = append(all, inner.find(name)...)
	}
	return all
}

func (t *tree) text1(name string) string {
	if all := t.find(name); len(all) > 0 {
		return all[0].text
	}
	return ""
}

func (t *tree) number(name string) int {
	n, _ := strconv.Atoi(t.text1(name)) // absent: 0
	return n
}

// readTree reads JSON whose objects have names more than once.
func readTree(text []byte) (*tree, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	top := &tree{}
	return top, top.read(dec)
}

func (t *tree) read(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return t.object(dec)
	case json.Delim('['):
		return t.array(dec)
	}
	t.text = fmt.Sprint(token)
	return nil
}

func (t *tree) object(dec *json.Decoder) error {
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name := token.(string)
		inner := &tree{name: name}
		if of, ok := strings.CutSuffix(name, "_tree"); ok && len(t.inner) > 0 && t.inner[len(t.inner)-1].name == of {
			inner = t.inner[len(t.inner)-1]
		} else {
			t.inner = append(t.inner, inner)
		}
		if err := inner.read(dec); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

func (t *tree) array(dec *json.Decoder) error {
	for dec.More() {
		inner := &tree{}
		if err := inner.read(dec); err != nil {
			return err
		}
		t.inner = append(t.inner, inner)
	}
	_, err := dec.Token()
	return err
}

// byPort are what the dissector made of each connection, by the client's port:
// of what the server sent, and of what the client sent with 0 in place of it.
func byPort(packets *tree) map[uint16][]*tree {
	all := map[uint16][]*tree{}
	for _, packet := range packets.find("layers") {
		from, to := packet.number("tcp.srcport"), packet.number("tcp.dstport")
		for _, pdu := range packet.find("petrichor") {
			if from == petrichorPort {
				all[uint16(to)] = append(all[uint16(to)], pdu)
				continue
			}
			pdu.name = "client"
			all[uint16(from)] = append(all[uint16(from)], pdu)
		}
	}
	return all
}

// answerOf is the answer that pdus are.
func answerOf(v spec.Vector, pdus []*tree) Answer {
	base := 0
	if v.Read == "element" {
		base = len(bodyHeader)
	}
	a := Answer{Verdict: "short"}
	at := 0
	for _, pdu := range pdus {
		if (pdu.name == "client") != (v.Read == "first") {
			continue
		}
		if fault := pdu.text1("petrichor.fault"); fault != "" {
			where := int64(pdu.number("petrichor.fault.at") - base)
			a.Verdict, a.At = fault, &where
			break
		}
		if len(pdu.find("petrichor.length")) == 0 {
			break // behind a fault
		}
		at += pdu.number("petrichor.length")
		a.add(v, pdu)
		if v.Read != "frames" {
			rest := len(v.Wire) + base - at
			a.Verdict, a.Rest = "ok", &rest
			break
		}
	}
	if v.Read == "frames" && a.At == nil && at == len(v.Wire) {
		a.Verdict = "ok"
	}
	return a
}

// add adds a frame to what was read.
func (a *Answer) add(v spec.Vector, pdu *tree) {
	if v.Read != "element" {
		a.Values = append(a.Values, valuesIn(pdu.find("petrichor.header"))...)
	}
	a.Values = append(a.Values, valuesIn(pdu.find("petrichor.body"))...)
	if v.Read == "answer" {
		allowed := pdu.text1("petrichor.allowed") == "1"
		a.Allowed = &allowed
	}
}

var treeKinds = []string{"string", "text", "int", "float", "bool", "null", "list", "dict", "key"}

// valuesIn are the elements directly inside each of list.
func valuesIn(list []*tree) (values []Value) {
	for _, t := range list {
		for _, inner := range t.inner {
			kind := strings.TrimPrefix(inner.name, "petrichor.")
			if slices.Contains(treeKinds, kind) {
				values = append(values, inner.value(kind))
			}
		}
	}
	return values
}

func (t *tree) value(kind string) Value {
	payload, err := hex.DecodeString(strings.ReplaceAll(t.text1("petrichor.payload"), ":", ""))
	if err != nil {
		return Value{Type: err.Error()}
	}
	switch kind {
	case "null":
		return Value{Type: kind}
	case "bool":
		return boolValue(string(payload) == "true")
	case "list":
		return listValue(valuesIn([]*tree{t}))
	case "dict":
		return dictValue(entriesOf(valuesIn([]*tree{t})))
	}
	return textValue(kind, characters(payload))
}
