// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// server answers the probes.
type server struct {
	started     time.Time
	maintenance string // a file; unhealthy while it exists
	checker     *checker
}

// status is the document served at /status.
type status struct {
	Service       string    `json:"service"`
	Version       string    `json:"version"`
	Hostname      string    `json:"hostname"`
	Healthy       bool      `json:"healthy"`
	Trouble       string    `json:"trouble,omitempty"`
	Started       time.Time `json:"started"`
	UptimeSeconds int64     `json:"uptime_seconds"`
	Checks        []result  `json:"checks,omitempty"`
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.serveHealth)
	mux.HandleFunc("GET /status", s.serveStatus)
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

func (s *server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if trouble := s.trouble(); trouble != "" {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, trouble)
		return
	}
	fmt.Fprintln(w, "ok")
}

// trouble says why this machine is not healthy; empty if it is.
func (s *server) trouble() string {
	if s.maintenance != "" {
		// Only a file that is certainly absent ends the maintenance.
		if _, err := os.Lstat(s.maintenance); !errors.Is(err, fs.ErrNotExist) {
			return "maintenance"
		}
	}
	if failing := s.checker.failing(); len(failing) > 0 {
		return "failing: " + strings.Join(failing, ", ")
	}
	return ""
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
	trouble := s.trouble()
	return status{
		Service:       serviceName,
		Version:       version,
		Hostname:      hostname,
		Healthy:       trouble == "",
		Trouble:       trouble,
		Started:       s.started.UTC().Truncate(time.Second),
		UptimeSeconds: int64(time.Since(s.started) / time.Second),
		Checks:        s.checker.snapshot(),
	}
}
