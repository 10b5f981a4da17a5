// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"time"
)

// options are the settings of a running demo. "install" takes the same flags
// as "run" and hands them on to the service.
type options struct {
	listen   string
	checks   []check
	interval time.Duration
	// maintenance is a file; the machine is unhealthy while it exists.
	maintenance string
}

func defaultOptions() options {
	return options{listen: "127.0.0.1:8377", interval: 15 * time.Second}
}

func (o *options) register(flags *flag.FlagSet) {
	flags.StringVar(&o.listen, "listen", o.listen, "serve on `ADDRESS`, host:port or :port")
	flags.Var(checkFlag{&o.checks}, "check", "`NAME=URL` must answer for this machine to be healthy; http, https or tcp; repeatable")
	flags.DurationVar(&o.interval, "interval", o.interval, "check every `DURATION`, and give each check as long to answer")
	flags.StringVar(&o.maintenance, "maintenance", o.maintenance, "be unhealthy while `FILE` exists")
}

func (o *options) validate() error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return usageError{fmt.Errorf("--listen: %w", err)}
	}
	if o.interval < time.Second {
		return usageError{errors.New("--interval: at least 1s")}
	}
	// A service does not run where it was installed from.
	if o.maintenance != "" && !filepath.IsAbs(o.maintenance) {
		return usageError{fmt.Errorf("--maintenance: %s is not an absolute path", o.maintenance)}
	}
	return nil
}

// arguments is the command line of the installed service.
func (o *options) arguments() []string {
	arguments := []string{"run", "--listen", o.listen, "--interval", o.interval.String()}
	for _, c := range o.checks {
		arguments = append(arguments, "--check", c.String())
	}
	if o.maintenance != "" {
		arguments = append(arguments, "--maintenance", o.maintenance)
	}
	return arguments
}
