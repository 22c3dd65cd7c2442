package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A build is which petrichor this is.
type build struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	System  string `json:"system"`
	Commit  string `json:"commit,omitempty"`
}

func newVersion() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print which petrichor this is",
		Example: `  petrichor version
  petrichor version --json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return printVersion(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return cmd
}

func printVersion(asJSON bool) error {
	b := thisBuild()
	if !asJSON {
		_, err := fmt.Printf("petrichor %s (%s %s)\n", b.Version, b.Go, b.System)
		return err
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}

// thisBuild asks the binary: go install writes the version into it.
func thisBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			b.Commit = setting.Value
		}
	}
	return b
}
