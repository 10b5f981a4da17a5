// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/kardianos/service"
)

const (
	serviceName = "demo"
	stopTimeout = 5 * time.Second
)

// daemon is what the service manager starts and stops.
type daemon struct {
	options options
	address net.Addr
	http    *http.Server
	cancel  context.CancelFunc
}

// Start returns once the address is bound: a taken port is an error of the
// start, not of a service that seems to run.
func (d *daemon) Start(service.Service) error {
	listener, err := net.Listen("tcp", d.options.listen)
	if err != nil {
		return err
	}
	d.address = listener.Addr()
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	probes := &server{started: time.Now(), checker: newChecker(d.options.checks, d.options.interval)}
	go probes.checker.run(ctx)
	d.http = &http.Server{Handler: probes.handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := d.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Fatal(err)
		}
	}()
	log.Printf("demo %s listens on %s", version, d.address)
	return nil
}

// Stop lets requests under way finish, within limits.
func (d *daemon) Stop(service.Service) error {
	d.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return d.http.Shutdown(ctx)
}

// newConfig describes the service to the service manager.
func newConfig(o options) *service.Config {
	return &service.Config{
		Name:        serviceName,
		DisplayName: "demo",
		Description: "Answers health probes for this machine",
		Arguments:   o.arguments(),
	}
}

func runCommand(args []string, stdout io.Writer) error {
	o := defaultOptions()
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	o.register(flags)
	if err := parse(flags, args, stdout); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	svc, err := service.New(&daemon{options: o}, newConfig(o))
	if err != nil {
		return err
	}
	return svc.Run()
}

// controlCommand carries out install, uninstall, start, stop and restart.
func controlCommand(action string, args []string, stdout io.Writer) error {
	o := defaultOptions()
	flags := flag.NewFlagSet(action, flag.ContinueOnError)
	if action == "install" {
		o.register(flags)
	}
	if err := parse(flags, args, stdout); err != nil {
		return err
	}
	if err := o.validate(); err != nil {
		return err
	}
	config := newConfig(o)
	svc, err := service.New(&daemon{options: o}, config)
	if err != nil {
		return err
	}
	return service.Control(svc, action)
}

// statusCommand follows the exit codes of init scripts: 3 is a stopped
// service, 4 one of which nothing is known.
func statusCommand(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	if err := parse(flags, args, stdout); err != nil {
		return err
	}
	svc, err := service.New(&daemon{}, newConfig(defaultOptions()))
	if err != nil {
		return err
	}
	state, err := svc.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		fmt.Fprintln(stdout, "not installed")
		return exitError(4)
	case err != nil:
		return err
	case state == service.StatusRunning:
		fmt.Fprintln(stdout, "running")
		return nil
	case state == service.StatusStopped:
		fmt.Fprintln(stdout, "stopped")
		return exitError(3)
	default:
		return errors.New("the service manager does not know the state of the service")
	}
}
