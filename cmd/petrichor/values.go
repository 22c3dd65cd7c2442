package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/petrichor-protocol/petrichor"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A headerFlag collects the keys of a header: k=v, k:=JSON, k@=FILE.
type headerFlag struct{ header petrichor.Header }

var _ pflag.Value = (*headerFlag)(nil)

// Set adds one key.
func (h *headerFlag) Set(text string) error {
	key, value, found := strings.Cut(text, "=")
	if !found || key == "" {
		return fmt.Errorf("%q is no header key: want k=v, k:=JSON or k@=FILE", text)
	}
	if h.header == nil {
		h.header = petrichor.Header{}
	}
	switch key[len(key)-1] {
	case ':':
		raw, err := fromJSON(value)
		h.header[key[:len(key)-1]] = raw
		return err
	case '@':
		data, err := readFile(value)
		h.header[key[:len(key)-1]] = strings.TrimSuffix(string(data), "\n")
		return err
	}
	h.header[key] = value
	return nil
}

// maxElement is the largest payload that a size has room for.
const maxElement = 999_999_999

// readFile returns what a file has, which need not end, or be of this world: no more than there is
// room for is read.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > maxElement {
		return nil, errTooLarge(path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxElement+1))
	if len(data) > maxElement {
		return nil, errTooLarge(path)
	}
	return data, err
}

func errTooLarge(path string) error {
	return fmt.Errorf("%s is too large: want a file of at most %d bytes, which is what an element can hold", path, maxElement)
}

// String is the default as help shows it: none.
func (h *headerFlag) String() string { return "" }

// Type is the flag's type as help and completion name it.
func (h *headerFlag) Type() string { return "k=v" }

// fromJSON returns the one JSON value that text is as a tnetstring.
func fromJSON(text string) (petrichor.Raw, error) {
	in := input{from: newChoice("json"), limits: fileLimits}
	src := in.source(bufio.NewReader(strings.NewReader(text)))
	rec, err := src.next()
	if err != nil {
		return nil, jsonWanted(text, err)
	}
	value := append(petrichor.Raw(nil), rec.value...)
	if _, err := src.next(); err != io.EOF {
		return nil, jsonWanted(text, errors.New("more than one value"))
	}
	return value, nil
}

func jsonWanted(text string, err error) error {
	if err == io.EOF {
		err = errors.New("nothing")
	}
	return fmt.Errorf("%s is no JSON value: %v; a string wants double quotes, or = instead of :=",
		quoteShort([]byte(text), 40), err)
}

// A bodyFlag is where a request's body comes from.
type bodyFlag struct {
	data  string
	typed string
}

func (b *bodyFlag) addTo(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&b.data, "data", "d", "", "body: `DATA`, @FILE, or - for stdin")
	cmd.Flags().StringVarP(&b.typed, "json", "j", "", "body: a `JSON` value, sent as what it is")
}

// body returns the body, which args may hold instead of a flag; without either it is empty.
func (b *bodyFlag) body(cmd *cobra.Command, args []string, limit byteSize) (any, error) {
	data, typed := cmd.Flags().Changed("data"), cmd.Flags().Changed("json")
	switch {
	case len(args) > 0 && (data || typed), data && typed:
		return nil, fail(exitUsage, "more than one body: give one of BODY, --data and --json")
	case len(args) > 0:
		return args[0], nil
	case typed:
		raw, err := fromJSON(b.typed)
		if err != nil {
			return nil, fail(exitUsage, "--json: %v", err)
		}
		return raw, nil
	}
	return b.read(limit)
}

// read returns what --data names.
func (b *bodyFlag) read(limit byteSize) (any, error) {
	path, isFile := strings.CutPrefix(b.data, "@")
	if b.data == "-" {
		path, isFile = "-", true
	}
	if !isFile {
		return b.data, nil
	}
	r, name, err := openInput(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, fail(exitOther, "%v", err)
	}
	if len(data) > int(limit) {
		return nil, fail(exitLimit, "%s: body larger than %s; raise --max-size to send it", name, limit.String())
	}
	return data, nil
}
