package hand

import "github.com/petrichor-protocol/petrichor/bench/sample"

// MarshalA returns the tnetstring of a.
func MarshalA(a *sample.A) []byte {
	return AppendA(make([]byte, 0, 144+len(a.Name)+len(a.Phone)), a)
}

// AppendA appends it to dst.
func AppendA(dst []byte, a *sample.A) []byte {
	dst, mark := begin(dst, 3)
	dst = appendString(append(dst, "4:name,"...), a.Name)
	dst = appendTime(append(dst, "8:birthday,"...), a.Birthday)
	dst = appendString(append(dst, "5:phone,"...), a.Phone)
	dst = appendInt(append(dst, "8:siblings,"...), int64(a.Siblings))
	dst = appendBool(append(dst, "6:spouse,"...), a.Spouse)
	dst = appendFloat(append(dst, "5:money,"...), a.Money)
	return end(dst, mark, 3, '}')
}

// ParseA reads the tnetstring b into a.
func ParseA(b []byte, a *sample.A) error {
	rest, err := one(b, '}')
	for err == nil && len(rest) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, rest, err = entry(rest); err != nil {
			break
		}
		switch string(key) {
		case "name":
			a.Name, err = parseString(value, tag)
		case "birthday":
			a.Birthday, err = parseTime(value, tag)
		case "phone":
			a.Phone, err = parseString(value, tag)
		case "siblings":
			a.Siblings, err = parseInt[int](value, tag)
		case "spouse":
			a.Spouse, err = parseBool(value, tag)
		case "money":
			a.Money, err = parseFloat(value, tag)
		}
	}
	return err
}

// MarshalEvent returns the tnetstring of e.
func MarshalEvent(e *sample.Event) []byte {
	return AppendEvent(make([]byte, 0, 88+len(e.Kind)+len(e.User)), e)
}

// AppendEvent appends it to dst.
func AppendEvent(dst []byte, e *sample.Event) []byte {
	dst, mark := begin(dst, 2)
	dst = appendInt(append(dst, "2:id,"...), e.ID)
	dst = appendString(append(dst, "4:kind,"...), e.Kind)
	dst = appendString(append(dst, "4:user,"...), e.User)
	dst = appendInt(append(dst, "4:size,"...), int64(e.Size))
	dst = appendBool(append(dst, "2:ok,"...), e.OK)
	return end(dst, mark, 2, '}')
}

// ParseEvent reads the tnetstring b into e.
func ParseEvent(b []byte, e *sample.Event) error {
	rest, err := one(b, '}')
	for err == nil && len(rest) > 0 {
		var key, value []byte
		var tag byte
		if key, value, tag, rest, err = entry(rest); err != nil {
			break
		}
		switch string(key) {
		case "id":
			e.ID, err = parseInt[int64](value, tag)
		case "kind":
			e.Kind, err = parseString(value, tag)
		case "user":
			e.User, err = parseString(value, tag)
		case "size":
			e.Size, err = parseInt[int](value, tag)
		case "ok":
			e.OK, err = parseBool(value, tag)
		}
	}
	return err
}
