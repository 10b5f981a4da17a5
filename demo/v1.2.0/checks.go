// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// check is something that this machine depends on to be healthy.
type check struct {
	name   string
	target *url.URL
}

func (c check) String() string { return c.name + "=" + c.target.String() }

func parseCheck(text string) (check, error) {
	name, target, found := strings.Cut(text, "=")
	if !found || name == "" {
		return check{}, errors.New("want NAME=URL")
	}
	parsed, err := url.Parse(target)
	if err != nil {
		return check{}, err
	}
	switch parsed.Scheme {
	case "http", "https":
		if parsed.Hostname() == "" {
			return check{}, errors.New("the URL names no host")
		}
	case "tcp":
		if parsed.Hostname() == "" || parsed.Port() == "" {
			return check{}, errors.New("want tcp://HOST:PORT")
		}
	default:
		return check{}, fmt.Errorf("want an http, https or tcp URL, not %q", target)
	}
	return check{name, parsed}, nil
}

// checkFlag collects the values of a repeated flag.
type checkFlag struct{ checks *[]check }

func (f checkFlag) String() string { return "" }

func (f checkFlag) Set(text string) error {
	c, err := parseCheck(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(*f.checks, func(other check) bool { return other.name == c.name }) {
		return fmt.Errorf("a second check named %q", c.name)
	}
	*f.checks = append(*f.checks, c)
	return nil
}

// do returns nil if the target answers: a connection for tcp, a status below
// 400 for http. Redirects count as an answer and are not followed.
func (c check) do(ctx context.Context) error {
	if c.target.Scheme == "tcp" {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", c.target.Host)
		if err != nil {
			return err
		}
		return connection.Close()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.target.String(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "demo/"+version)
	response, err := checkClient.Do(request)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode >= 400 {
		return errors.New(response.Status)
	}
	return nil
}

var checkClient = &http.Client{
	// Each check shall see the network as it is now.
	Transport: &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// result is the last outcome of a check.
type result struct {
	Name    string    `json:"name"`
	Target  string    `json:"target"`
	OK      bool      `json:"ok"`
	Error   string    `json:"error,omitempty"`
	Checked time.Time `json:"checked"`
	Seconds float64   `json:"seconds"`
}

// checker repeats the checks and remembers their last results.
type checker struct {
	checks   []check
	interval time.Duration

	mu      sync.Mutex
	results []result
}

// newChecker starts out with every check failing: nothing is healthy until it
// has been seen to be.
func newChecker(checks []check, interval time.Duration) *checker {
	c := &checker{checks: checks, interval: interval}
	for _, check := range checks {
		c.results = append(c.results, result{
			Name:   check.name,
			Target: check.target.Redacted(),
			Error:  "not checked yet",
		})
	}
	return c
}

// run checks until ctx ends.
func (c *checker) run(ctx context.Context) {
	if len(c.checks) == 0 {
		return
	}
	ticker := time.NewTicker(c.interval)
	defer ticker.Stop()
	for {
		c.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// round does every check once, all at the same time, each within the interval.
func (c *checker) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.interval)
	defer cancel()
	var group sync.WaitGroup
	for i, check := range c.checks {
		group.Add(1)
		go func() {
			defer group.Done()
			started := time.Now()
			err := check.do(ctx)
			c.record(i, err, time.Since(started))
		}()
	}
	group.Wait()
}

func (c *checker) record(i int, err error, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.results[i]
	r.Checked = time.Now().UTC().Truncate(time.Second)
	r.Seconds = took.Seconds()
	r.OK = err == nil
	r.Error = ""
	if err != nil {
		r.Error = err.Error()
	}
}

// snapshot is a copy of the last results, in the order of the flags.
func (c *checker) snapshot() []result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.results)
}

// failing names the checks that failed last.
func (c *checker) failing() []string {
	var names []string
	for _, r := range c.snapshot() {
		if !r.OK {
			names = append(names, r.Name)
		}
	}
	return names
}
