package scenario

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"

	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

// script is one run of a script, seen by a command.
type script struct {
	*world
	ts *testscript.TestScript
}

// command does what a script's line says; what it writes is what the script calls stdout.
type command func(ctx context.Context, s script, out io.Writer, args []string) error

var all = map[string]command{
	"image": image, "images": listImages, "member": member, "members": listMembers, "project": project,
	"guest": guest, "left": left, "booting": booting, "interrupt": interrupt, "requests": requests, "fault": faults, "fill": fill,
	"appears": appears, "registry": registries, "use": use, "node": node, "swift": swift, "web": web,
}

func commands() map[string]func(*testscript.TestScript, bool, []string) {
	cmds := map[string]func(*testscript.TestScript, bool, []string){"status": status, "let": let}
	for name, c := range all {
		cmds[name] = func(ts *testscript.TestScript, neg bool, args []string) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			w := worldOf(ts)
			var out bytes.Buffer
			err := c(ctx, script{w, ts}, &out, args)
			fmt.Fprint(ts.Stdout(), out.String())
			switch {
			case err != nil && !neg:
				ts.Fatalf("%s: %v", name, err)
			case err != nil:
				fmt.Fprintln(ts.Stderr(), err)
			case neg:
				ts.Fatalf("%s succeeded, and should not have", name)
			}
		}
	}
	return cmds
}

var errUsage = errors.New("wrong arguments; see test/acceptance/README.md")

// status runs a program that has to end with exactly this exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%s ended with %d, want %d\n[stdout]\n%s[stderr]\n%s", args[1], got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// let puts what a command prints into a variable.
func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: let VARIABLE COMMAND [ARGUMENT...]")
	}
	name, args := args[0], args[1:]
	if args[0] == "exec" {
		ts.Check(ts.Exec(args[1], args[2:]...))
		ts.Setenv(name, strings.TrimSpace(ts.ReadFile("stdout")))
		return
	}
	c, ok := all[args[0]]
	if !ok {
		ts.Fatalf("let: no command is called %q", args[0])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var out bytes.Buffer
	ts.Check(c(ctx, script{worldOf(ts), ts}, &out, args[1:]))
	ts.Setenv(name, strings.TrimSpace(out.String()))
}

// requests prints what the sandbox was asked, forgets it, or prints what of it changes something.
func requests(_ context.Context, s script, out io.Writer, args []string) error {
	if s.sandbox == nil {
		return errors.New("a real cloud has no log of requests: put [sandbox] in front")
	}
	what := strings.Join(args, " ")
	if what == "forget" {
		s.sandbox.ResetRequests()
		return nil
	}
	if what != "" && what != "writes" {
		return errUsage
	}
	for _, r := range s.sandbox.Requests() {
		if what == "" || writes(r) {
			fmt.Fprintln(out, r.Method, r.Path, r.Status)
		}
	}
	return nil
}

// writes says whether a request can change something. One for a token doesn't count.
func writes(r sandbox.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.HasSuffix(r.Path, "/v3/auth/tokens")
}

// faults adds a rule by which the sandbox's requests fail, or removes them all.
func faults(_ context.Context, s script, _ io.Writer, args []string) error {
	if s.sandbox == nil {
		return errors.New("requests can't be made to fail on a real cloud: put [sandbox] in front")
	}
	if len(args) != 1 {
		return errUsage
	}
	if args[0] == "clear" {
		s.sandbox.Faults().Clear()
		return nil
	}
	rules, err := sandbox.LoadRules(strings.NewReader("- {" + args[0] + "}\n"))
	if err != nil {
		return err
	}
	s.sandbox.Faults().Add(rules...)
	return nil
}

// project prints the id of a person's project.
func project(_ context.Context, s script, out io.Writer, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	c, err := s.as(args[0])
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, c.project)
	return err
}

var blank = regexp.MustCompile(`@([A-Z][A-Z0-9_]*)@`)

// fill puts variables in place of @VARIABLE@ in files.
func fill(_ context.Context, s script, _ io.Writer, args []string) error {
	for _, file := range args {
		path := s.ts.MkAbs(file)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var unknown []string
		filled := blank.ReplaceAllFunc(text, func(found []byte) []byte {
			name := strings.Trim(string(found), "@")
			value := s.ts.Getenv(name)
			if value == "" {
				unknown = append(unknown, name)
			}
			return []byte(value)
		})
		if len(unknown) > 0 {
			return fmt.Errorf("%s: no value for %s", file, strings.Join(unknown, ", "))
		}
		if err := os.WriteFile(path, filled, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// appears waits until a file is there.
func appears(ctx context.Context, s script, _ io.Writer, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	return poll(ctx, 3*time.Minute, "file "+args[0], func() (bool, error) {
		_, err := os.Stat(s.ts.MkAbs(args[0]))
		return err == nil, nil
	})
}

// poll asks until it is so.
func poll(ctx context.Context, patience time.Duration, what string, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if done, err := so(); done || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s", what)
		}
	}
}

// attributes reads NAME=VALUE words; a value is text, or true or false.
func attributes(words []string) (map[string]any, error) {
	found := map[string]any{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not NAME=VALUE", word)
		}
		found[name] = value
		switch name {
		case "os_hidden", "protected", "min_disk", "min_ram", "tags":
			var v any
			if err := yaml.Unmarshal([]byte(value), &v); err != nil {
				return nil, err
			}
			found[name] = v
		}
	}
	return found, nil
}
