package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/petrichor-protocol/petrichor"
	"github.com/petrichor-protocol/petrichor/compress"
	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/petrichor-protocol/petrichor/transport"
	"github.com/spf13/cobra"
)

// keys are the files of tls://, the same for those who connect and those who listen.
type keys struct {
	files      secure.Files
	serverName string
	mu         sync.Mutex // bench connects many times at once
	loaded     *secure.Credentials
}

func (k *keys) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&k.files.CA, "ca", "", "tls://: the CA in `FILE`; a server then lets in its clients only")
	flags.StringVar(&k.files.Cert, "cert", "", "tls://: show the certificate in `FILE`")
	flags.StringVar(&k.files.Key, "key", "", "tls://: `FILE` with its key")
}

// transport is how addresses are opened.
func (k *keys) transport() (*transport.Config, error) {
	config := &transport.Config{ServerName: k.serverName}
	if k.files == (secure.Files{}) {
		return config, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.loaded == nil {
		loaded, err := secure.Load(k.files)
		if err != nil {
			return nil, fail(exitUsage, "%s", message(err))
		}
		k.loaded = loaded
	}
	config.Secure = k.loaded
	return config, nil
}

// reloadEvery is how often a server looks whether its files are new.
const reloadEvery = 10 * time.Second

// watch reads the files again while a server runs.
func (k *keys) watch(ctx context.Context, log *slog.Logger) {
	if k.loaded == nil {
		return
	}
	go k.loaded.Watch(ctx, reloadEvery, func(err error) {
		if err != nil {
			log.Warn("certificates stay as they are", "err", logged(message(err)))
			return
		}
		log.Info("certificates are new")
	})
}

// presses say whether frames are compressed.
type presses struct{ value choice }

func newPresses() presses { return presses{newChoice("", "body", "stream")} }

func (p *presses) addTo(cmd *cobra.Command) {
	addChoice(cmd, cmd.Flags(), &p.value, "compress", "", "compress `WHAT`, where the peer does too")
	cmd.Flags().Lookup("compress").NoOptDefVal = "body"
}

func (p *presses) options() []petrichor.Option {
	config := compress.Config{}
	switch p.value.value {
	case "":
		return nil
	case "stream":
		config.Methods = []compress.Method{compress.DeflateStream, compress.Deflate}
	}
	return []petrichor.Option{petrichor.WithExtensions(compress.New(config))}
}
