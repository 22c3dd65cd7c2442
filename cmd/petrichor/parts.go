package main

import (
	"maps"

	"github.com/petrichor-protocol/petrichor"
)

// A part is what the header of a reply of serve --dir says about its body.
type part struct {
	Size     int64  `tnet:"size"` // of the whole
	Offset   int64  `tnet:"offset"`
	Modified string `tnet:"modified"`
	Error    string `tnet:"error"`
}

// parts asks for a file part by part, as large as --max-size lets them be, and writes each when it
// has come: a file of any size takes the memory of one part.
func (r *requestVerb) parts(s *session, out *output) error {
	header := maps.Clone(r.header.header)
	if header == nil {
		header = petrichor.Header{}
	}
	header["limit"] = int64(r.limits.size)
	var first part
	for at := int64(0); at == 0 || at < first.Size; {
		header["offset"] = at
		reply, err := s.request(header, "")
		if err != nil {
			return err
		}
		n, err := r.write(reply, at, &first, out)
		if err != nil {
			return err
		}
		if at += n; n == 0 {
			break
		}
	}
	return nil
}

// write writes one part, of the same file in the same state as the first, and returns its length.
func (r *requestVerb) write(reply petrichor.Frame, at int64, first *part, out *output) (int64, error) {
	var p part
	if err := petrichor.Unmarshal(reply.Header, &p); err != nil {
		return 0, failIn("the header of a part", err, nil)
	}
	if p.Error != "" {
		return 0, fail(exitOther, "%s", p.Error)
	}
	var text []byte
	if err := petrichor.Unmarshal(reply.Body, &text); err != nil {
		return 0, failIn("the body of a part", err, nil)
	}
	if at == 0 {
		*first = p
	}
	switch {
	case p.Offset != at:
		return 0, fail(exitMalformed, "a part from offset %d instead of %d", p.Offset, at)
	case p.Size != first.Size || p.Modified != first.Modified:
		return 0, fail(exitOther, "the file has changed after %d bytes", at)
	case len(text) == 0 && at < p.Size:
		return 0, fail(exitMalformed, "an empty part at offset %d of %d", at, p.Size)
	}
	return int64(len(text)), out.raw(text)
}
