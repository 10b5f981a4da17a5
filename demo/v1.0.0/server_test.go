// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func get(t *testing.T, handler http.Handler, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, httptest.NewRequest(method, path, nil))
	return response
}

func TestHealth(t *testing.T) {
	handler := (&server{started: time.Now()}).handler()
	response := get(t, handler, http.MethodGet, "/healthz")
	if response.Code != http.StatusOK || response.Body.String() != "ok\n" {
		t.Errorf("got %d %q", response.Code, response.Body)
	}
	if cache := response.Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control is %q", cache)
	}
}

func TestStatus(t *testing.T) {
	handler := (&server{started: time.Now().Add(-90 * time.Second)}).handler()
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
	if got.Service != "demo" || got.Version != version || got.UptimeSeconds < 90 {
		t.Errorf("got %+v", got)
	}
}

func TestProbesOnlyRead(t *testing.T) {
	handler := (&server{started: time.Now()}).handler()
	for _, path := range []string{"/healthz", "/status"} {
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
