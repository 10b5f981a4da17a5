// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/http"
)

// serveMetrics writes the text format of Prometheus.
func (s *server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var out bytes.Buffer
	family := func(name, help string) {
		fmt.Fprintf(&out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
	}
	family("demo_build_info", "The version of demo.")
	fmt.Fprintf(&out, "demo_build_info{version=%q} 1\n", version)
	family("demo_start_time_seconds", "When demo was started, in Unix time.")
	fmt.Fprintf(&out, "demo_start_time_seconds %d\n", s.started.Unix())
	family("demo_healthy", "1 if /healthz says ok.")
	fmt.Fprintf(&out, "demo_healthy %d\n", gauge(s.trouble() == ""))
	if results := s.checker.snapshot(); len(results) > 0 {
		family("demo_check_ok", "1 if the check succeeded last.")
		for _, r := range results {
			fmt.Fprintf(&out, "demo_check_ok{name=%q} %d\n", r.Name, gauge(r.OK))
		}
		family("demo_check_duration_seconds", "How long the check took last.")
		for _, r := range results {
			fmt.Fprintf(&out, "demo_check_duration_seconds{name=%q} %g\n", r.Name, r.Seconds)
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write(out.Bytes())
}

func gauge(ok bool) int {
	if ok {
		return 1
	}
	return 0
}
