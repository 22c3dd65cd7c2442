package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// limits are what a verb accepts from a file or a peer.
type limits struct {
	size   byteSize
	header byteSize
	depth  int
	values int // 0: as many as size has room for
}

// peerLimits are the library's defaults for a stream.  fileLimits are wider: a file is not an
// attack, and nothing is built from its values, so that only their bytes take memory: 64 MiB are
// enough for everything within fileLimits.
var (
	peerLimits = limits{size: 1 << 20, header: 64 << 10, depth: 100, values: 65_536}
	fileLimits = limits{size: 8 << 20, header: 8 << 20, depth: 100}
)

func (l *limits) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&l.size, "max-size", "largest value or body, `BYTES`; K, M and G multiply by 1024")
	flags.Var(&l.header, "max-header-size", "largest header of a frame, `BYTES`")
	flags.Var(&whole{&l.depth, 0, maxLevels}, "max-depth", "deepest nesting, `LEVELS`; 10000 at most")
	flags.Var(numberFlag(&l.values, l.values, 0), "max-values", "most values inside one value or frame half, `N`; 0 is no limit")
}

// maxLevels is as deep as the library goes.
const maxLevels = 10_000

func (l limits) options() []petrichor.Option {
	values := l.values
	if values == 0 {
		values = math.MaxInt
	}
	return []petrichor.Option{
		petrichor.MaxSize(int64(l.size)),
		petrichor.MaxHeaderSize(int64(l.header)),
		petrichor.MaxDepth(l.depth),
		petrichor.MaxValues(values),
	}
}

// inside are the limits of what has been received, whose size was judged then: that of a header by
// another limit than that of a body.
func (l limits) inside() []petrichor.Option { return anySize(l.options()) }

func anySize(opts []petrichor.Option) []petrichor.Option {
	return append(slices.Clip(opts), petrichor.MaxSize(math.MaxInt64))
}

// A whole is a flag that is a whole number within bounds.
type whole struct {
	n           *int
	least, most int
}

var _ pflag.Value = (*whole)(nil)

// numberFlag is a whole, no less than least, that is value by default.
func numberFlag(n *int, value, least int) *whole {
	*n = value
	return &whole{n, least, math.MaxInt}
}

// Set reads a number as flags of ints do.
func (n *whole) Set(text string) error {
	v, err := strconv.ParseInt(text, 0, strconv.IntSize)
	switch {
	case err == nil && int(v) >= n.least && int(v) <= n.most:
		*n.n = int(v)
		return nil
	case n.most < math.MaxInt:
		return fmt.Errorf("want a number from %d to %d", n.least, n.most)
	}
	return fmt.Errorf("want a number, %d or more", n.least)
}

func (n *whole) String() string { return strconv.Itoa(*n.n) }

// Type is the flag's type as help and completion name it.
func (n *whole) Type() string { return "int" }

// A span is a flag such as 1m30s, and never negative.
type span time.Duration

var _ pflag.Value = (*span)(nil)

// timeFlag is a span that is value by default.
func timeFlag(d *time.Duration, value time.Duration) *span {
	*d = value
	return (*span)(d)
}

// Set reads a duration.
func (s *span) Set(text string) error {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("want a time such as 500ms or 1m30s, 0 or more")
	}
	*s = span(d)
	return nil
}

func (s *span) String() string {
	if *s == 0 {
		return "0" // of which help says that there is no default
	}
	return time.Duration(*s).String()
}

// Type is the flag's type as help and completion name it.
func (s *span) Type() string { return "duration" }

// zeroIsNever lets 0 be no limit of time: to package service it is the default.
func zeroIsNever(times ...*time.Duration) {
	for _, d := range times {
		if *d == 0 {
			*d = -1
		}
	}
}

// A byteSize is a flag such as 65536, 64K or 16M.
type byteSize int64

var _ pflag.Value = (*byteSize)(nil)

const units = "KMG"

// Set reads digits and at most one unit.
func (s *byteSize) Set(text string) error {
	digits, shift := text, 0
	if i := strings.IndexAny(text, units); i >= 0 && i == len(text)-1 {
		digits, shift = text[:i], 10*(strings.IndexByte(units, text[i])+1)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64>>shift {
		return fmt.Errorf("%q is no size: want digits, or digits and one of K, M, G", text)
	}
	*s = byteSize(n << shift)
	return nil
}

func (s *byteSize) String() string {
	n, unit := int64(*s), ""
	for i := 0; i < len(units) && n >= 1024 && n%1024 == 0; i++ {
		n, unit = n/1024, units[i:i+1]
	}
	return strconv.FormatInt(n, 10) + unit
}

// Type is the flag's type as help and completion name it.
func (s *byteSize) Type() string { return "BYTES" }

// A choice is a flag with a handful of possible values.
type choice struct {
	value   string
	allowed []string
}

var _ pflag.Value = (*choice)(nil)

// newChoice returns a choice of the given values, of which the first is the default.
func newChoice(allowed ...string) choice { return choice{allowed[0], allowed} }

// addChoice defines the flag, its help and its completion.
func addChoice(cmd *cobra.Command, flags *pflag.FlagSet, c *choice, name, short, usage string) {
	named := make([]string, 0, len(c.allowed))
	for _, value := range c.allowed {
		if value != "" {
			named = append(named, value)
		}
	}
	flags.VarP(c, name, short, usage+": "+strings.Join(named, "|"))
	complete := cobra.FixedCompletions(named, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
		panic(err) // the flag was defined two lines above
	}
}

// Set refuses what is not among the choices.
func (c *choice) Set(text string) error {
	for _, value := range c.allowed {
		if value == text && text != "" {
			c.value = text
			return nil
		}
	}
	return fmt.Errorf("want one of %s", strings.TrimPrefix(strings.Join(c.allowed, ", "), ", "))
}

func (c *choice) String() string { return c.value }

// Type is the flag's type as help and completion name it.
func (c *choice) Type() string { return "string" }
