// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
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
	probes := &server{
		started:     time.Now(),
		maintenance: d.options.maintenance,
		checker:     newChecker(d.options.checks, d.options.interval),
	}
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
