// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func mustParse(t *testing.T, text string) check {
	t.Helper()
	c, err := parseCheck(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseCheck(t *testing.T) {
	for _, good := range []string{"db=tcp://[::1]:5432", "web=https://example.org/up?a=b"} {
		if c := mustParse(t, good); c.String() != good {
			t.Errorf("%s became %s", good, c)
		}
	}
	for _, bad := range []string{"", "db", "=tcp://db:1", "db=", "db=tcp://db", "db=ftp://db", "web=http://", "web=http://%"} {
		if c, err := parseCheck(bad); err == nil {
			t.Errorf("%q became %s", bad, c)
		}
	}
}

func TestCheckNamesAreUnique(t *testing.T) {
	var checks []check
	value := checkFlag{&checks}
	if err := value.Set("db=tcp://db:1"); err != nil {
		t.Fatal(err)
	}
	if err := value.Set("db=tcp://db:2"); err == nil {
		t.Error("a second check of the same name was accepted")
	}
}

func TestChecks(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case "/broken":
			http.Error(w, "broken", http.StatusInternalServerError)
		}
	}))
	defer web.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()

	s := newServer(
		mustParse(t, "web="+web.URL),
		mustParse(t, "moved="+web.URL+"/moved"),
		mustParse(t, "broken="+web.URL+"/broken"),
		mustParse(t, "open=tcp://"+web.Listener.Addr().String()),
		mustParse(t, "closed=tcp://"+closed.Addr().String()),
	)
	if failing := s.checker.failing(); len(failing) != 5 {
		t.Errorf("before the first round only %q fail", failing)
	}
	s.checker.round(context.Background())
	if failing := strings.Join(s.checker.failing(), " "); failing != "broken closed" {
		t.Errorf("failing: %s", failing)
	}
	response := get(t, s.handler(), http.MethodGet, "/healthz")
	if response.Code != http.StatusServiceUnavailable || response.Body.String() != "failing: broken, closed\n" {
		t.Errorf("got %d %q", response.Code, response.Body)
	}
}

func TestCheckerEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		newChecker([]check{mustParse(t, "db=tcp://127.0.0.1:1")}, time.Hour).run(ctx)
		close(ended)
	}()
	cancel()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the checker outlives its context")
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	c := newChecker([]check{mustParse(t, "web=http://me:secret@localhost/")}, time.Second)
	if target := c.snapshot()[0].Target; strings.Contains(target, "secret") {
		t.Errorf("target is shown as %s", target)
	}
}
