// SPDX-License-Identifier: Apache-2.0

// Command demo answers health probes for the machine it runs on. It runs in
// the foreground or as a service of the system's own service manager.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// version is set at link time: -X main.version=v1.1.0.
var version = "devel"

const usage = `demo answers health probes for the machine it runs on.

Usage:
  demo COMMAND [FLAGS]

Commands:
  run         serve in the foreground; the installed service runs this
  install     register the service, to be started at boot
  uninstall   remove the service
  start       start the service
  stop        stop the service
  restart     stop the service and start it again
  status      tell whether the service runs (exit code 3: stopped, 4: not installed)
  version     print the version

"demo COMMAND --help" lists the flags of a command.
`

// usageError is a command line that cannot be carried out as written.
type usageError struct{ error }

// exitError ends the program with a code of its own and no message.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

func execute(args []string, stdout, stderr io.Writer) int {
	err := dispatch(args, stdout)
	var code exitError
	var wrong usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "demo: %v\nTry \"demo help\".\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return 1
	}
}

func dispatch(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return usageError{errors.New("no command given")}
	}
	switch name, rest := args[0], args[1:]; name {
	case "run":
		return runCommand(rest, stdout)
	case "install", "uninstall", "start", "stop", "restart":
		return controlCommand(name, rest, stdout)
	case "status":
		return statusCommand(rest, stdout)
	case "version":
		fmt.Fprintln(stdout, version)
		return nil
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	default:
		return usageError{fmt.Errorf("unknown command %q", name)}
	}
}

// parse reads the flags of one command. Help goes to stdout, because it was
// asked for; mistakes are reported by execute.
func parse(flags *flag.FlagSet, args []string, stdout io.Writer) error {
	flags.SetOutput(io.Discard)
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printFlags(flags, stdout)
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s: %w", flags.Name(), err)}
	case flags.NArg() > 0:
		return usageError{fmt.Errorf("%s: unexpected argument %q", flags.Name(), flags.Arg(0))}
	}
	return nil
}

func printFlags(flags *flag.FlagSet, stdout io.Writer) {
	fmt.Fprintf(stdout, "Usage:\n  demo %s [FLAGS]\n", flags.Name())
	heading := "\nFlags:\n"
	flags.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		fmt.Fprintf(stdout, "%s  --%s %s\n        %s", heading, f.Name, value, text)
		if f.DefValue != "" {
			fmt.Fprintf(stdout, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(stdout)
		heading = ""
	})
}
