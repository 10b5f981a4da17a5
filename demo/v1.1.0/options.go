// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"time"
)

// options are the settings of a running demo. "install" takes the same flags
// as "run" and hands them on to the service.
type options struct {
	listen   string
	checks   []check
	interval time.Duration
}

func defaultOptions() options {
	return options{listen: "127.0.0.1:8377", interval: 15 * time.Second}
}

func (o *options) register(flags *flag.FlagSet) {
	flags.StringVar(&o.listen, "listen", o.listen, "serve on `ADDRESS`, host:port or :port")
	flags.Var(checkFlag{&o.checks}, "check", "`NAME=URL` must answer for this machine to be healthy; http, https or tcp; repeatable")
	flags.DurationVar(&o.interval, "interval", o.interval, "check every `DURATION`, and give each check as long to answer")
}

func (o *options) validate() error {
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return usageError{fmt.Errorf("--listen: %w", err)}
	}
	if o.interval < time.Second {
		return usageError{errors.New("--interval: at least 1s")}
	}
	return nil
}

// arguments is the command line of the installed service.
func (o *options) arguments() []string {
	arguments := []string{"run", "--listen", o.listen, "--interval", o.interval.String()}
	for _, c := range o.checks {
		arguments = append(arguments, "--check", c.String())
	}
	return arguments
}
