// Command gophercloud runs the acceptance tests of the gophercloud module that go.mod pins, against a sandbox and against
// the cloud of a clouds.yaml. They are somebody else's idea of what an OpenStack does.
//
// passing.txt lists what passes on the real OpenStack of test/openstack, and missing.txt what of that the sandbox fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"time"
)

func main() {
	clouds := flag.String("clouds", "", "clouds.yaml of a real cloud; empty = a sandbox")
	record := flag.String("record", "", "write the list of what passes to this file, in place of that of the same services")
	only := flag.String("run", "", "regular expression of `SERVICE ROLE TEST` to run; empty = all")
	missing := flag.String("missing", "", "write what of -list fails to this file")
	list := flag.String("list", "", "run what this file lists, and say what of it fails")
	patience := flag.Duration("timeout", time.Minute, "the longest that a test may take")
	verbose := flag.Bool("v", false, "print the output of tests that fail")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *clouds, *record, *missing, *only, *list, *patience, *verbose)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gophercloud:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, clouds, record, missing, only, list string, patience time.Duration, verbose bool) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	wanted := func(c Case) bool { return pattern.MatchString(c.String()) }
	packages := Packages
	if list != "" {
		cases, err := ReadList(list)
		if err != nil {
			return err
		}
		packages = slices.DeleteFunc(slices.Clone(Packages), func(p string) bool {
			return !slices.ContainsFunc(cases, func(c Case) bool { return c.Service == p })
		})
		wanted = func(c Case) bool { return slices.Contains(cases, c) && pattern.MatchString(c.String()) }
	}
	dir, err := os.MkdirTemp("", "imgctl-gophercloud-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	suite, err := Build(ctx, dir, packages)
	if err != nil {
		return err
	}
	var open Opener = OnSandbox
	if clouds != "" {
		open = OnCloud(clouds)
	}
	results, err := suite.Run(ctx, open, wanted, patience)
	if err != nil && ctx.Err() == nil { // of a run that is stopped, what it has counts
		return err
	}
	ran := func(c Case) bool {
		return slices.ContainsFunc(results, func(r Result) bool { return r.Case == c })
	}
	count := map[string]map[State]int{}
	var passed, failed []Case
	for _, r := range results {
		key := strings.Split(r.Service, "/")[0] + " " + r.Role
		if count[key] == nil {
			count[key] = map[State]int{}
		}
		count[key][r.State]++
		if r.State == Passed {
			passed = append(passed, r.Case)
		}
		if r.State != Passed {
			failed = append(failed, r.Case)
		}
		if r.State == Failed {
			fmt.Printf("%s\t%s\n", r.Case, r.Why())
			if verbose {
				fmt.Println(r.Output)
			}
		}
	}
	for _, key := range sortedKeys(count) {
		fmt.Printf("%-16s %3d passed, %3d failed, %3d skipped\n", key, count[key][Passed], count[key][Failed], count[key][Skipped])
	}
	if missing != "" {
		return WriteList(missing, failed, ran)
	}
	if record != "" {
		return WriteList(record, passed, ran)
	}
	if list != "" && len(failed) > 0 {
		return fmt.Errorf("%d of the %d tests of %s don't pass", len(failed), len(results), list)
	}
	return nil
}
