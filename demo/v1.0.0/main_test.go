// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestExecute(t *testing.T) {
	tests := []struct {
		args   []string
		code   int
		stdout string // must be contained
		stderr string // must be contained
	}{
		{args: nil, code: 2, stderr: "no command given"},
		{args: []string{"version"}, stdout: version + "\n"},
		{args: []string{"help"}, stdout: "Commands:"},
		{args: []string{"--help"}, stdout: "Commands:"},
		{args: []string{"run", "--help"}, stdout: "--listen ADDRESS"},
		{args: []string{"install", "-h"}, stdout: "--listen ADDRESS"},
		{args: []string{"uninstall", "--help"}, stdout: "demo uninstall"},
		{args: []string{"frobnicate"}, code: 2, stderr: `unknown command "frobnicate"`},
		{args: []string{"install", "now"}, code: 2, stderr: `unexpected argument "now"`},
		{args: []string{"start", "--listen", ":80"}, code: 2, stderr: "not defined: -listen"},
		{args: []string{"run", "--listen", "nowhere"}, code: 2, stderr: "--listen: address nowhere"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := execute(test.args, &stdout, &stderr)
			if code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(stdout.String(), test.stdout) {
				t.Errorf("stdout lacks %q:\n%s", test.stdout, &stdout)
			}
			if !strings.Contains(stderr.String(), test.stderr) {
				t.Errorf("stderr lacks %q:\n%s", test.stderr, &stderr)
			}
		})
	}
}

// What "install" was told is what the service runs with.
func TestInstalledArguments(t *testing.T) {
	o := options{listen: "[::1]:80"}
	want := []string{"run", "--listen", "[::1]:80"}
	if got := newConfig(o).Arguments; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDaemon(t *testing.T) {
	d := &daemon{options: options{listen: "127.0.0.1:0"}}
	if err := d.Start(nil); err != nil {
		t.Fatal(err)
	}
	response, err := http.Get("http://" + d.address.String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "ok\n" {
		t.Errorf("got %q, %v", body, err)
	}

	second := &daemon{options: options{listen: d.address.String()}}
	if err := second.Start(nil); err == nil {
		t.Error("a taken address must fail the start")
	}
	if err := d.Stop(nil); err != nil {
		t.Error(err)
	}
	if _, err := http.Get("http://" + d.address.String() + "/healthz"); err == nil {
		t.Error("still served after the stop")
	}
}
