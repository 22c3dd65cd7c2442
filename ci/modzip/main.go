// Command modzip lays modules of this tree out as a module proxy serves them.
//
//	go run ./ci/modzip VERSION PROXY MODULE...
//
// Each MODULE is a folder with a go.mod. PROXY gets what a go command asks a proxy for: the list of
// versions, and the .info, .mod and .zip of VERSION. A file:// URL of PROXY then goes into GOPROXY.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: modzip VERSION PROXY MODULE...")
		os.Exit(2)
	}
	for _, dir := range os.Args[3:] {
		if err := publish(os.Args[1], os.Args[2], dir); err != nil {
			fmt.Fprintln(os.Stderr, "modzip:", err)
			os.Exit(1)
		}
	}
}

// publish adds version of the module in dir to proxy.
func publish(version, proxy, dir string) error {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	name, err := modulePath(mod)
	if err != nil {
		return err
	}
	archive, err := pack(os.DirFS(dir), name+"@"+version)
	if err != nil {
		return err
	}
	folder := filepath.Join(proxy, filepath.FromSlash(name), "@v")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	var errs []error
	for file, content := range map[string][]byte{
		"list":            []byte(version + "\n"),
		version + ".info": fmt.Appendf(nil, `{"Version":%q}`, version),
		version + ".mod":  mod,
		version + ".zip":  archive,
	} {
		errs = append(errs, os.WriteFile(filepath.Join(folder, file), content, 0o666))
	}
	return errors.Join(errs...)
}

// modulePath returns what the module line of a go.mod says. Upper case would need escaping in a
// proxy's paths; no module here has any.
func modulePath(mod []byte) (string, error) {
	for line := range strings.Lines(string(mod)) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			name = strings.TrimSpace(name)
			if name != strings.ToLower(name) {
				return "", fmt.Errorf("module path %s needs escaping", name)
			}
			return name, nil
		}
	}
	return "", errors.New("go.mod has no module line")
}

// pack zips the module at the top of tree, every name under prefix: regular files, without version
// control, vendor folders and modules nested in this one.
func pack(tree fs.FS, prefix string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && foreign(tree, name):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		return add(z, tree, name, prefix)
	})
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}

// foreign reports whether a folder is no part of the module at the top of tree.
func foreign(tree fs.FS, folder string) bool {
	if folder == "." {
		return false
	}
	_, err := fs.Stat(tree, path.Join(folder, "go.mod"))
	base := path.Base(folder)
	return err == nil || base == ".git" || base == "vendor"
}

func add(z *zip.Writer, tree fs.FS, name, prefix string) error {
	content, err := fs.ReadFile(tree, name)
	if err != nil {
		return err
	}
	w, err := z.Create(path.Join(prefix, name))
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
