// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/kardianos/service"
)

// action is a command whose flags have been read.
type action func(stdout io.Writer) error

// command declares its flags first, so that help knows them, and acts later.
type command struct {
	name, help string
	prepare    func(*flag.FlagSet) action
}

var commands = []command{
	{"run", "serve in the foreground; the installed service runs this", runCommand},
	{"install", "register the service, to be started at boot", installCommand},
	{"uninstall", "remove the service", uninstallCommand},
	{"start", "start the service", controlCommand},
	{"stop", "stop the service", controlCommand},
	{"restart", "stop the service and start it again", controlCommand},
	{"status", "tell whether the service runs (exit code 3: stopped, 4: not installed)", statusCommand},
	{"version", "print the version", versionCommand},
}

func runCommand(flags *flag.FlagSet) action {
	o := defaultOptions()
	o.register(flags)
	return func(io.Writer) error {
		if err := o.validate(); err != nil {
			return err
		}
		svc, err := service.New(&daemon{options: o}, newConfig(o))
		if err != nil {
			return err
		}
		return svc.Run()
	}
}

func installCommand(flags *flag.FlagSet) action {
	o := defaultOptions()
	o.register(flags)
	return func(io.Writer) error {
		if err := o.validate(); err != nil {
			return err
		}
		config := newConfig(o)
		return control(flags.Name(), config)
	}
}

func uninstallCommand(flags *flag.FlagSet) action {
	return func(io.Writer) error {
		config := newConfig(defaultOptions())
		return control(flags.Name(), config)
	}
}

func controlCommand(flags *flag.FlagSet) action {
	return func(io.Writer) error {
		return control(flags.Name(), newConfig(defaultOptions()))
	}
}

// control asks the service manager to install, uninstall, start, stop or
// restart the service.
func control(verb string, config *service.Config) error {
	svc, err := service.New(&daemon{}, config)
	if err != nil {
		return err
	}
	return service.Control(svc, verb)
}

// statusCommand follows the exit codes of init scripts: 3 is a stopped
// service, 4 one of which nothing is known.
func statusCommand(*flag.FlagSet) action {
	return func(stdout io.Writer) error {
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
}

func versionCommand(*flag.FlagSet) action {
	return func(stdout io.Writer) error {
		fmt.Fprintln(stdout, version)
		return nil
	}
}
