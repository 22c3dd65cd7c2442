package petrichor

// Which struct fields are entries of a dict, and under which keys.  The rules
// are Go's own as encoding/json applies them: the least nested field of a name
// wins; at equal depth one whose tag names it; two of those hide each other.

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"
)

var (
	errInline      = errors.New("inline wants a struct, a pointer to one, or a map with string keys")
	errTwoInline   = errors.New("more than one inline map")
	errHiddenField = errors.New("nil embedded pointer to an unexported struct type cannot be set")
	errHiddenName  = errors.New("an embedded struct of unexported type cannot have a key of its own")
	errUnknownKey  = errors.New("unknown key")
)

// A field is one struct field that stands for an entry.
type field struct {
	name      string
	key, text wideKey // the encoded key, with the tag of a string and of a text
	index     []int   // as reflect.Value.FieldByIndex takes it
	at        int     // the only number in index, or -1
	typ       reflect.Type
	tagged    bool
	omit      func(reflect.Value) bool // nil: never
	plan      *laterPlan

	writes, reads shortcut // as in plan
	plain         bool     // a shortcut may write it: in its struct itself, and never omitted
	plainRead     bool     // a shortcut may read it: in its struct itself, and one of the first 64
}

// fieldSet is the fields of a struct type in declared order.
type fieldSet struct {
	list   []field
	byName map[string]int // index in list
	others *field         // the inline map that takes every other key, or nil
	keys   keyPlan        // of others
	err    error          // of the tags
}

// fieldsOf lists the fields of struct type t.
func fieldsOf(t reflect.Type) *fieldSet {
	var c fieldCollector
	c.walk(t)
	s := &fieldSet{list: dominant(c.found), byName: map[string]int{}, err: c.err}
	for i, f := range s.list {
		s.byName[f.name] = i
		s.list[i].plainRead = f.reads != noShortcut && f.at >= 0 && i < 64
	}
	if len(c.maps) > 0 {
		s.others = &c.maps[0]
		s.keys = keysOf(s.others.typ.Key())
	}
	if len(c.maps) > 1 {
		s.err = errTwoInline
	}
	return s
}

// isFlat reports whether all there is to s are plain fields.
func (s *fieldSet) isFlat() bool {
	isOther := func(f field) bool { return !f.plain || len(f.key.text) > maxShortKey }
	return s.err == nil && s.others == nil && !slices.ContainsFunc(s.list, isOther)
}

// An embedding is a struct whose fields are to be promoted, and the way to it.
type embedding struct {
	typ   reflect.Type
	index []int
}

// A fieldCollector walks embedded structs breadth first.
type fieldCollector struct {
	found []field
	maps  []field
	err   error
	next  []embedding // of the level below
}

func (c *fieldCollector) walk(t reflect.Type) {
	visited := map[reflect.Type]bool{}
	for level := []embedding{{typ: t}}; len(level) > 0; level = c.next {
		c.next = nil
		times := map[reflect.Type]int{}
		for _, e := range level {
			times[e.typ]++
		}
		for _, e := range level {
			// Met twice at one level, its fields hide themselves: twice is
			// enough to show dominant that.
			if !visited[e.typ] || times[e.typ] > 1 {
				c.scan(e)
			}
		}
		for _, e := range level {
			visited[e.typ] = true
		}
		c.next = slices.DeleteFunc(c.next, func(e embedding) bool { return visited[e.typ] })
	}
}

func (c *fieldCollector) scan(e embedding) {
	for i := range e.typ.NumField() {
		sf := e.typ.Field(i)
		tag := sf.Tag.Get("tnet")
		if tag == "-" || !reachable(sf) {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		index := append(slices.Clip(e.index), i)
		if hasOption(options, "inline") || sf.Anonymous && name == "" && isStruct(sf.Type) {
			c.inline(sf, index)
			continue
		}
		if !sf.IsExported() {
			c.err = errHiddenName
			continue
		}
		c.found = append(c.found, newField(sf, name, options, index))
	}
}

// reachable reports whether sf is exported, or embedded with exported fields in
// it.
func reachable(sf reflect.StructField) bool {
	return sf.IsExported() || sf.Anonymous && isStruct(sf.Type)
}

// isStruct reports whether t is a struct or points to one.
func isStruct(t reflect.Type) bool { return deref(t).Kind() == reflect.Struct }

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		return t.Elem()
	}
	return t
}

func (c *fieldCollector) inline(sf reflect.StructField, index []int) {
	switch {
	case isStruct(sf.Type):
		c.next = append(c.next, embedding{deref(sf.Type), index})
	case sf.Type.Kind() == reflect.Map && sf.Type.Key().Kind() == reflect.String:
		c.maps = append(c.maps, newField(sf, sf.Name, "", index))
	default:
		c.err = errInline
	}
}

func hasOption(options, name string) bool {
	for option := range strings.SplitSeq(options, ",") {
		if option == name {
			return true
		}
	}
	return false
}

func newField(sf reflect.StructField, name, options string, index []int) field {
	f := field{name: name, index: index, typ: sf.Type, tagged: name != ""}
	if !f.tagged {
		f.name = sf.Name
	}
	f.key = newWideKey(string(Append(nil, KindString, []byte(f.name))))
	f.text = newWideKey(string(Append(nil, KindText, []byte(f.name))))
	f.omit = omitRule(sf.Type, options)
	f.plan = later(sf.Type)
	f.at = -1
	if len(index) == 1 {
		f.at = index[0]
	}
	switch {
	case hasOption(options, "string") && isQuotable(deref(sf.Type)) && !hasMethods(deref(sf.Type)):
		f.plan.found.Store(quoted(sf.Type))
	case isScalar(sf.Type):
		p := f.plan.get()
		f.writes, f.reads = p.writes, p.reads
	case sf.Type.Kind() == reflect.Pointer && !hasMethods(sf.Type) && !hasMethods(sf.Type.Elem()):
		f.writes, f.reads = nilShortcut, nilShortcut
	}
	f.plain = f.writes != noShortcut && f.omit == nil && f.at >= 0
	return f
}

// isScalar reports whether t has no types inside it, so that its plan can be had
// while another is made.
func isScalar(t reflect.Type) bool {
	return isQuotable(t) || t.Kind() == reflect.String || t == reflect.TypeFor[time.Time]()
}

// hasMethods reports whether t or a pointer to it is written or read by methods
// of its own.
func hasMethods(t reflect.Type) bool {
	return slices.ContainsFunc([]reflect.Type{
		marshalerType, textMarshalerType, binaryMarshalerType,
		unmarshalerType, textUnmarshalerType, binaryUnmarshalerType,
	}, reflect.PointerTo(t).Implements)
}

// dominant returns the fields that are not hidden by another of the same name,
// in declared order.
func dominant(found []field) []field {
	byName := map[string][]field{}
	for _, f := range found {
		byName[f.name] = append(byName[f.name], f)
	}
	var list []field
	for _, rivals := range byName {
		slices.SortStableFunc(rivals, outranks)
		if len(rivals) == 1 || outranks(rivals[0], rivals[1]) < 0 {
			list = append(list, rivals[0])
		}
	}
	slices.SortFunc(list, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return list
}

// outranks is negative when a hides b.
func outranks(a, b field) int {
	return cmp.Or(cmp.Compare(len(a.index), len(b.index)), -compareBool(a.tagged, b.tagged))
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// omitRule returns what decides that a field is left out, or nil.
func omitRule(t reflect.Type, options string) func(reflect.Value) bool {
	empty, zero := hasOption(options, "omitempty"), hasOption(options, "omitzero")
	switch {
	case empty && zero:
		isZero := zeroRule(t)
		return func(v reflect.Value) bool { return isEmpty(v) || isZero(v) }
	case empty:
		return isEmpty
	case zero:
		return zeroRule(t)
	}
	return nil
}

// isEmpty is encoding/json's rule: false, 0, nil, and anything of length 0.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// zeroRule prefers the type's own IsZero, as time.Time has one.
func zeroRule(t reflect.Type) func(reflect.Value) bool {
	type isZeroer interface{ IsZero() bool }
	own := reflect.TypeFor[isZeroer]()
	switch {
	case t.Kind() == reflect.Interface && t.Implements(own):
		return func(v reflect.Value) bool {
			nilPointer := v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil()
			return v.IsNil() || nilPointer || v.Interface().(isZeroer).IsZero()
		}
	case t.Kind() == reflect.Pointer && t.Implements(own):
		return func(v reflect.Value) bool { return v.IsNil() || v.Interface().(isZeroer).IsZero() }
	case t.Implements(own):
		return func(v reflect.Value) bool { return v.Interface().(isZeroer).IsZero() }
	case reflect.PointerTo(t).Implements(own):
		return func(v reflect.Value) bool { return addressable(v).Addr().Interface().(isZeroer).IsZero() }
	}
	return reflect.Value.IsZero
}

// addressable returns v, or a copy of it that can be pointed to.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	copied := reflect.New(v.Type()).Elem()
	copied.Set(v)
	return copied
}
