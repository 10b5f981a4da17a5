// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"time"
)

// server answers the probes.
type server struct {
	started time.Time
}

// status is the document served at /status.
type status struct {
	Service       string    `json:"service"`
	Version       string    `json:"version"`
	Hostname      string    `json:"hostname"`
	Started       time.Time `json:"started"`
	UptimeSeconds int64     `json:"uptime_seconds"`
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", readOnly(s.serveHealth))
	mux.HandleFunc("/status", readOnly(s.serveStatus))
	return mux
}

// readOnly refuses everything but GET and HEAD.
func readOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next(w, r)
	}
}

func (s *server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
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
		Started:       s.started.UTC().Truncate(time.Second),
		UptimeSeconds: int64(time.Since(s.started) / time.Second),
	}
}
