// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// server answers the probes.
type server struct {
	started time.Time
	checker *checker
}

// status is the document served at /status.
type status struct {
	Service       string    `json:"service"`
	Version       string    `json:"version"`
	Hostname      string    `json:"hostname"`
	Healthy       bool      `json:"healthy"`
	Started       time.Time `json:"started"`
	UptimeSeconds int64     `json:"uptime_seconds"`
	Checks        []result  `json:"checks,omitempty"`
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /status", s.serveStatus)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func (s *server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if failing := s.checker.failing(); len(failing) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "failing: %s\n", strings.Join(failing, ", "))
		return
	}
	io.WriteString(w, "ok\n")
}

func (s *server) serveStatus(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.Encode(s.status())
}

func (s *server) status() status {
	// An unknown host name is left empty: the probe is about the service.
	hostname, _ := os.Hostname()
	return status{
		Service:       serviceName,
		Version:       version,
		Hostname:      hostname,
		Healthy:       len(s.checker.failing()) == 0,
		Started:       s.started.UTC().Truncate(time.Second),
		UptimeSeconds: int64(time.Since(s.started) / time.Second),
		Checks:        s.checker.snapshot(),
	}
}
