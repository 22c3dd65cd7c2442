package main

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/petrichor-protocol/petrichor/secure"
)

// The files of tls:// are read once, however many connections begin at the same time.
func TestKeysAtOnce(t *testing.T) {
	dir := t.TempDir()
	if _, err := (secure.Dev{}).Write(dir); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	k := keys{files: secure.Files{CA: in("ca.pem"), Cert: in("client.pem"), Key: in("client.key")}}
	var loaded sync.Map
	var loading sync.WaitGroup
	begin := make(chan struct{})
	for range 50 {
		loading.Go(func() {
			<-begin
			config, err := k.transport()
			if err != nil {
				t.Error(err)
				return
			}
			loaded.Store(config.Secure, true)
		})
	}
	close(begin)
	loading.Wait()
	n := 0
	loaded.Range(func(_, _ any) bool { n++; return true })
	if n != 1 {
		t.Errorf("read %d times", n)
	}
}
