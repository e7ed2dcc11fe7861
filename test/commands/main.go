// Command commands runs the scripts of scripts/, which are typical use of OpenStackClient's commands, on a sandbox or on
// the cloud of a clouds.yaml, and compares with recordings/: how they end on the real OpenStack of test/openstack, and
// which fields of which types they show.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

func main() {
	clouds := flag.String("clouds", "", "clouds.yaml of a real cloud; empty = a sandbox")
	dir := flag.String("dir", "test/commands", "folder of the scripts and recordings")
	record := flag.Bool("record", false, "write the recordings instead of comparing with them")
	only := flag.String("run", "", "regular expression of the scripts to run; empty = all")
	verbose := flag.Bool("v", false, "print each step")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *clouds, *dir, *only, *record, *verbose)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "commands:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, clouds, dir, only string, record, verbose bool) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	scripts, err := ReadScripts(os.DirFS(filepath.Join(dir, "scripts")))
	if err != nil {
		return err
	}
	scripts = slices.DeleteFunc(scripts, func(s Script) bool { return !pattern.MatchString(s.Name) })
	var group errgroup.Group
	for _, chain := range Chains(scripts) {
		group.Go(func() error {
			var errs []error // that of one script is none of the others
			for _, s := range chain {
				errs = append(errs, one(ctx, s, clouds, filepath.Join(dir, "recordings"), record, verbose))
			}
			return errors.Join(errs...)
		})
	}
	return group.Wait()
}

// one runs a script, and keeps or compares how it ends.
func one(ctx context.Context, s Script, clouds, recordings string, record, verbose bool) error {
	cloud, done, err := open(ctx, clouds)
	if err != nil {
		return err
	}
	defer done()
	var say func(string)
	if verbose {
		say = func(line string) { fmt.Println(line) }
	}
	got, err := s.Run(ctx, cloud, say)
	if err != nil {
		return err
	}
	if record {
		return WriteRecording(recordings, s.Name, got)
	}
	return show(recordings, s.Name, got)
}

// show prints what differs from the recording.
func show(recordings, script string, got []Outcome) error {
	want, err := ReadRecording(recordings, script)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		fmt.Printf("%s has %d steps, and its recording %d: record it\n", script, len(got), len(want))
		return nil
	}
	for n := range got {
		for _, d := range Compare(got[n], want[n]) {
			fmt.Printf("%s: %s: %s\n", script, got[n].Step, d)
		}
	}
	return nil
}

func open(ctx context.Context, clouds string) (Cloud, func(), error) {
	if clouds != "" {
		return OnCloud(clouds), func() {}, nil
	}
	c, err := sandbox.Start(ctx, Options())
	if err != nil {
		return Cloud{}, nil, err
	}
	return OnSandbox(c), func() { c.Close() }, nil
}
