package main

import (
	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/dedupe"
	"github.com/spf13/cobra"
)

// once is how a server that dedupes knows a request again, and how often it is tried again.
type once struct {
	id    string
	retry int
}

const (
	newID = "new" // each frame gets an id of its own
	maxID = 64    // bytes; see docs/dedupe.md
)

func (o *once) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.id, "id", "", "have a server that dedupes handle `ID` once; new is any")
	cmd.Flags().IntVar(&o.retry, "retry", 0, "try `N` times more when the connection fails, as one --id")
}

// valid completes the flags: what may be sent again has an id.
func (o *once) valid() error {
	switch {
	case o.retry < 0:
		return fail(exitUsage, "--retry cannot be negative")
	case len(o.id) > maxID:
		return fail(exitUsage, "--id of %d bytes: want at most %d", len(o.id), maxID)
	case o.id == "" && o.retry > 0:
		o.id = newID
	}
	return nil
}

// mark puts the id into a header, unless it has one.
func (o *once) mark(header any) (petrichor.Raw, error) {
	id := o.id
	if id == newID {
		id = dedupe.NewID()
	}
	return dedupe.Once(header, id)
}

// again reports whether an error is one of the connection, which may pass.
func again(err error) bool {
	code := codeOf(err)
	return code == exitConnect || code == exitClosed || code == exitTimeout
}
