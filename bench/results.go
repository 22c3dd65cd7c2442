package main

// results are all contests of a run, and who took no part.
type results struct {
	contests []*contest
	losses   []loss
}

// A loss is a peer that does not carry a subject.
type loss struct {
	subject *subject
	peer    *peer
	why     error
}

func (r *results) contest(subject, op string) *contest {
	for _, c := range r.contests {
		if c.subject.name == subject && c.op == op {
			return c
		}
	}
	return nil
}
