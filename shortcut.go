package petrichor

// The types that most fields and elements are of, past their plans.
//
// A plan's function is called through a pointer, with values that have to be
// spilled for it, and it looks at its type again.  Where all is as it mostly is, a
// switch does instead.  What is not, every error among it, a shortcut leaves to
// the plan: it either does the whole or nothing.  See
// docs/design/0012-shortcuts-past-the-plans.md.

import (
	"math"
	"reflect"
	"time"
)

// A shortcut says which of these types one is; the zero shortcut is none of them.
type shortcut uint8

const (
	noShortcut shortcut = iota
	boolShortcut
	intShortcut
	uintShortcut
	floatShortcut // float64
	stringShortcut
	timeShortcut
	nilShortcut // a pointer, when it is nil
)

// short writes v by a shortcut, or reports false.
func (w *writer) short(s shortcut, v reflect.Value) bool {
	switch s {
	case boolShortcut:
		w.boolElement(v.Bool())
	case intShortcut:
		w.intElement(v.Int())
	case uintShortcut:
		w.uintElement(v.Uint())
	case floatShortcut:
		return w.shortFloat(v.Float())
	case stringShortcut:
		return w.shortString(v.String())
	case timeShortcut:
		t, _ := reflect.TypeAssert[time.Time](v)
		return w.shortTime(t)
	case nilShortcut:
		if !v.IsNil() {
			return false
		}
		w.element(KindNull, "")
	default:
		return false
	}
	return true
}

func (w *writer) shortFloat(f float64) bool {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return false
	}
	w.floatElement(f, 64)
	return true
}

func (w *writer) shortString(s string) bool {
	if int64(len(s)) > w.maxWrite || w.config.text {
		return false
	}
	w.element(KindString, s)
	return true
}

func (w *writer) shortTime(t time.Time) bool {
	mark := w.begin(w.stringKind())
	if !w.time(t) {
		w.back.truncate(mark)
		return false
	}
	w.end(mark)
	return true
}

// short reads el into v by a shortcut, or reports false and leaves v alone.
func (r *reader) short(s shortcut, el Element, v reflect.Value) bool {
	switch s {
	case boolShortcut:
		b, ok := shortBool(el)
		if ok {
			v.SetBool(b)
		}
		return ok
	case intShortcut:
		return setShortInt(el, v)
	case uintShortcut:
		return setShortUint(el, v)
	case floatShortcut:
		f, ok := shortFloat(el)
		if ok {
			v.SetFloat(f)
		}
		return ok
	case stringShortcut:
		if el.Kind == KindString {
			v.SetString(r.texts.text(el.Payload))
		}
		return el.Kind == KindString
	case timeShortcut:
		return setShortTime(el, v)
	case nilShortcut:
		return setShortNil(el, v)
	}
	return false
}

func setShortInt(el Element, v reflect.Value) bool {
	n, ok := shortInt64(el)
	if !ok || v.OverflowInt(n) {
		return false
	}
	v.SetInt(n)
	return true
}

func setShortUint(el Element, v reflect.Value) bool {
	n, ok := parseUint64(el.Payload)
	if !ok || el.Kind != KindInt || v.OverflowUint(n) {
		return false
	}
	v.SetUint(n)
	return true
}

func setShortNil(el Element, v reflect.Value) bool {
	if el.Kind != KindNull || len(el.Payload) > 0 {
		return false
	}
	v.SetZero()
	return true
}

func shortBool(el Element) (b, ok bool) {
	if el.Kind != KindBool {
		return false, false
	}
	b = string(el.Payload) == "true"
	return b, b || string(el.Payload) == "false"
}

func shortFloat(el Element) (f float64, ok bool) {
	if el.Kind != KindFloat || len(el.Payload) > maxNumber {
		return 0, false
	}
	return parseFloat64(el.Payload)
}

func setShortTime(el Element, v reflect.Value) bool {
	if el.Kind != KindString {
		return false
	}
	t, ok := parseTime(el.Payload)
	if ok {
		place, _ := reflect.TypeAssert[*time.Time](v.Addr())
		*place = t
	}
	return ok
}
