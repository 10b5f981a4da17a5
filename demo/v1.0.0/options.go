// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"net"
)

// options are the settings of a running demo. "install" takes the same flags
// as "run" and hands them on to the service.
type options struct {
	listen string
}

func defaultOptions() options {
	return options{listen: "127.0.0.1:8377"}
}

func (o *options) register(flags *flag.FlagSet) {
	flags.StringVar(&o.listen, "listen", o.listen, "serve on `ADDRESS`, host:port or :port")
}

func (o *options) validate() error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return usageError{fmt.Errorf("--listen: %w", err)}
	}
	return nil
}

// arguments is the command line of the installed service.
func (o *options) arguments() []string {
	return []string{"run", "--listen", o.listen}
}
