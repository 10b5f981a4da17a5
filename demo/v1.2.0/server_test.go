// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newServer(checks ...check) *server {
	return &server{started: time.Now(), checker: newChecker(checks, time.Second)}
}

func get(t *testing.T, handler http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(method, path, nil))
	return response
}

func TestHealth(t *testing.T) {
	handler := newServer().handler()
	response := get(t, handler, http.MethodGet, "/healthz")
	if response.Code != http.StatusOK || response.Body.String() != "ok\n" {
		t.Errorf("got %d %q", response.Code, response.Body)
	}
	if cache := response.Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control is %q", cache)
	}
}

func TestStatus(t *testing.T) {
	s := newServer()
	s.started = time.Now().Add(-90 * time.Second)
	handler := s.handler()
	response := get(t, handler, http.MethodGet, "/status")
	if response.Code != http.StatusOK {
		t.Fatalf("got %d", response.Code)
	}
	if kind := response.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type is %q", kind)
	}
	var got status
	if err := json.Unmarshal(response.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Service != "demo" || got.Version != version || got.UptimeSeconds < 90 || !got.Healthy {
		t.Errorf("got %+v", got)
	}
}

func TestMaintenance(t *testing.T) {
	s := newServer()
	s.maintenance = filepath.Join(t.TempDir(), "off")
	for _, want := range []int{http.StatusOK, http.StatusServiceUnavailable, http.StatusOK} {
		if response := get(t, s.handler(), http.MethodGet, "/healthz"); response.Code != want {
			t.Errorf("got %d %q, want %d", response.Code, response.Body, want)
		}
		if os.Remove(s.maintenance) != nil {
			if err := os.WriteFile(s.maintenance, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestMetrics(t *testing.T) {
	s := newServer(mustParse(t, "db=tcp://127.0.0.1:1"))
	response := get(t, s.handler(), http.MethodGet, "/metrics")
	for _, line := range []string{
		"demo_build_info{version=\"" + version + "\"} 1\n",
		"# TYPE demo_healthy gauge\ndemo_healthy 0\n",
		"demo_check_ok{name=\"db\"} 0\n",
	} {
		if !strings.Contains(response.Body.String(), line) {
			t.Errorf("%q is missing from\n%s", line, response.Body)
		}
	}
}

func TestProbesOnlyRead(t *testing.T) {
	handler := newServer().handler()
	for _, path := range []string{"/healthz", "/status", "/metrics"} {
		response := get(t, handler, http.MethodPost, path)
		if response.Code != http.StatusMethodNotAllowed || response.Header().Get("Allow") == "" {
			t.Errorf("POST %s: got %d, Allow %q", path, response.Code, response.Header().Get("Allow"))
		}
		if response := get(t, handler, http.MethodHead, path); response.Code != http.StatusOK {
			t.Errorf("HEAD %s: got %d", path, response.Code)
		}
	}
	if response := get(t, handler, http.MethodGet, "/"); response.Code != http.StatusNotFound {
		t.Errorf("GET /: got %d", response.Code)
	}
}
