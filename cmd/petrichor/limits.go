package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

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
	flags.IntVar(&l.depth, "max-depth", l.depth, "deepest nesting, `LEVELS`; 10000 at most")
	flags.IntVar(&l.values, "max-values", l.values, "most values inside one value or frame half, `N`; 0 is no limit")
}

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
