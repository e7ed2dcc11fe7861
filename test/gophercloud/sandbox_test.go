package main

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// What passes on the real OpenStack passes on the sandbox, but for what missing.txt lists; and what that lists fails.
func TestSandbox(t *testing.T) {
	if os.Getenv("IMGCTL_GOPHERCLOUD") == "" {
		t.Skip("builds and runs gophercloud's acceptance tests: `make gophercloud-acceptance` does that, and `make acceptance`")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("builds the tests of gophercloud, which needs go")
	}
	passing, err := ReadList("passing.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(passing) < 100 {
		t.Fatalf("passing.txt has %d tests", len(passing))
	}
	missing, err := ReadList("missing.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range missing {
		if !slices.Contains(passing, c) {
			t.Errorf("missing.txt has %s, which passing.txt doesn't", c)
		}
	}
	var packages []string
	for _, c := range passing {
		if !slices.Contains(packages, c.Service) {
			packages = append(packages, c.Service)
		}
	}
	suite, err := Build(t.Context(), t.TempDir(), packages)
	if err != nil {
		t.Fatal(err)
	}
	results, err := suite.Run(t.Context(), OnSandbox, func(c Case) bool {
		return slices.Contains(passing, c) && !slices.Contains(missing, c)
	}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	// Some of these wait in vain, which need not take a minute.
	failing, err := suite.Run(t.Context(), OnSandbox, func(c Case) bool { return slices.Contains(missing, c) }, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	results = append(results, failing...)
	if len(results) != len(passing) {
		t.Errorf("passing.txt has %d tests, and the suite %d of them", len(passing), len(results))
	}
	passed := 0
	for _, r := range results {
		known := slices.Contains(missing, r.Case)
		switch {
		case r.State == Passed && known:
			t.Errorf("%s passes: remove it from missing.txt", r.Case)
		case r.State != Passed && !known:
			t.Errorf("%s %s: %s", r.Case, r.State, r.Why())
		}
		if r.State == Passed {
			passed++
		}
	}
	t.Logf("%d of the %d tests that pass on the real OpenStack pass on the sandbox", passed, len(passing))
}
