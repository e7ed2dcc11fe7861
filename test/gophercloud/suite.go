package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const module = "github.com/gophercloud/gophercloud/v2"

// Packages are those of the suite that the sandbox's services are about.
var Packages = []string{
	"identity/v3", "image/v2", "blockstorage/v3", "compute/v2", "networking/v2", "networking/v2/extensions",
	"networking/v2/extensions/agents", "networking/v2/extensions/dns", "networking/v2/extensions/layer3",
	"networking/v2/extensions/mtu", "networking/v2/extensions/networkipavailabilities", "networking/v2/extensions/portsbinding",
	"networking/v2/extensions/qos/policies", "networking/v2/extensions/qos/rules", "networking/v2/extensions/qos/ruletypes",
	"networking/v2/extensions/quotas", "networking/v2/extensions/rbacpolicies", "networking/v2/extensions/segments",
	"networking/v2/extensions/subnetpools", "networking/v2/extensions/trunk_details", "networking/v2/extensions/trunks",
	"networking/v2/extensions/vlantransparent",
}

// Case is a test, run in a role.
type Case struct{ Service, Role, Test string }

func (c Case) String() string { return c.Service + " " + c.Role + " " + c.Test }

// State is how a test ended.
type State string

// States of a test.
const (
	Passed  State = "passed"
	Failed  State = "failed"
	Skipped State = "skipped"
)

// Result is a test's end.
type Result struct {
	Case
	State  State
	Output string
}

// cause is a line of the suite's output that says why a test failed.
var cause = regexp.MustCompile(
	`(?m)^\s+(?:\S+\.go:\d+: )?\s*((?:Unable|Failure|Expected|expected|Error|Invalid|Resource|The |panic|Bad).*)$`)

// Why is a line about a failure.
func (r Result) Why() string {
	if m := cause.FindStringSubmatch(r.Output); m != nil {
		return m[1]
	}
	lines := strings.Split(strings.TrimSpace(r.Output), "\n")
	return strings.TrimSpace(lines[max(0, len(lines)-2)])
}

// Suite has the programs of the packages.
type Suite struct {
	programs map[string]string   // by package
	tests    map[string][]string // by package
	folder   string              // of the suite's sources
}

// Build compiles the packages' tests into dir.
func Build(ctx context.Context, dir string, packages []string) (*Suite, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", module, err)
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "internal", "acceptance", "openstack")
	s := &Suite{map[string]string{}, map[string][]string{}, folder}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for _, p := range packages {
		group.Go(func() error {
			program := filepath.Join(dir, strings.ReplaceAll(p, "/", "-")+".test")
			cmd := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "acceptance", "-ldflags", "-s -w", "-o", program,
				module+"/internal/acceptance/openstack/"+p)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("building %s: %w\n%s", p, err, out)
			}
			names, err := exec.CommandContext(ctx, program, "-test.list", ".").Output()
			if err != nil {
				return fmt.Errorf("listing the tests of %s: %w", p, err)
			}
			mu.Lock()
			defer mu.Unlock()
			s.programs[p], s.tests[p] = program, strings.Fields(string(names))
			return nil
		})
	}
	return s, group.Wait()
}

// Roles are those that tests run in.
var Roles = []string{"member", "admin"}

// Opener gives the environment in which tests reach a cloud in a role. done is called when they are over.
type Opener func(ctx context.Context, role string) (env []string, done func(), err error)

// Run runs the wanted tests, each in a process of its own: those of a package and role one after the other, and packages
// at once.
func (s *Suite) Run(ctx context.Context, open Opener, wanted func(Case) bool, patience time.Duration) ([]Result, error) {
	var mu sync.Mutex
	var results []Result
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, p := range slices.Sorted(maps.Keys(s.programs)) {
		for _, role := range Roles {
			var cases []Case
			for _, test := range s.tests[p] {
				if c := (Case{p, role, test}); wanted(c) {
					cases = append(cases, c)
				}
			}
			if len(cases) == 0 {
				continue
			}
			group.Go(func() error {
				env, done, err := open(ctx, role)
				if err != nil {
					return err
				}
				defer done()
				for _, c := range cases {
					r := s.one(ctx, env, c, patience)
					if ctx.Err() != nil {
						break // it was killed, which says nothing about the test
					}
					mu.Lock()
					results = append(results, r)
					mu.Unlock()
				}
				return ctx.Err()
			})
		}
	}
	err := group.Wait()
	slices.SortFunc(results, func(a, b Result) int { return strings.Compare(a.String(), b.String()) })
	return results, err
}

func (s *Suite) one(ctx context.Context, env []string, c Case, patience time.Duration) Result {
	cmd := exec.CommandContext(ctx, s.programs[c.Service], "-test.run", "^"+c.Test+"$", "-test.v", "-test.timeout", patience.String())
	cmd.Dir, cmd.Env = filepath.Join(s.folder, c.Service), env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	r := Result{c, Failed, out.String()}
	switch {
	case err != nil:
	case strings.Contains(r.Output, "--- SKIP: "+c.Test+" "):
		r.State = Skipped
	case strings.Contains(r.Output, "--- PASS: "+c.Test+" "):
		r.State = Passed
	}
	return r
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
