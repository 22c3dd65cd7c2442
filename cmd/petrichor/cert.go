package main

import (
	"fmt"
	"time"

	"github.com/petrichor-protocol/petrichor/secure"
	"github.com/spf13/cobra"
)

func newCert(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "cert",
		Short:   "Certificates for tls://",
		Long:    "cert makes certificates for tls://; its verb dev, for development.",
		Example: `  petrichor cert dev --dir certs`,
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCertDev(a))
	return cmd
}

func newCertDev(a *app) *cobra.Command {
	var dev secure.Dev
	dir, days := "", 0
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Make a CA, a server's and clients' certificates for development",
		Long: `dev makes a CA and certificates of it, and prints the names of the files: ca.pem,
server.pem and server.key, and for each client NAME.pem and NAME.key. Only the
owner may read them, and none is overwritten. The key of the CA is forgotten, so
that nobody can make more: for other names make all anew.`,
		Example: `  petrichor cert dev --dir certs
  petrichor serve tls://127.0.0.1:7670 --exec cat --ca certs/ca.pem --cert certs/server.pem --key certs/server.key
  petrichor request tls://127.0.0.1:7670 hello --ca certs/ca.pem --cert certs/client.pem --key certs/client.key`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if days < 1 {
				return fail(exitUsage, "--days %d: want 1 or more", days)
			}
			dev.Life = time.Duration(days) * 24 * time.Hour
			paths, err := dev.Write(dir)
			if err != nil {
				return fail(exitOther, "%s", message(err))
			}
			for _, path := range paths {
				if !a.quiet {
					fmt.Println(escapeLine(path))
				}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "dir", ".", "write into `DIR`, which is made")
	flags.StringSliceVar(&dev.Hosts, "host", nil, "`NAME` or address of the server; repeatable (default localhost, 127.0.0.1, ::1)")
	flags.StringSliceVar(&dev.Clients, "client", nil, "`NAME` of a client; repeatable (default client)")
	flags.IntVar(&days, "days", 30, "let them live for `N` days")
	return cmd
}
