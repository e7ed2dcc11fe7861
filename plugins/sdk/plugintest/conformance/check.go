package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// describeWithin is how long Describe may take.
const describeWithin = 2 * time.Second

// Options are how patient the kit is.
type Options struct {
	// RunFor is how long a command may run before it is interrupted; 5 s by default, and 15 s while every service
	// fails, since clients try for a while then.
	RunFor time.Duration
	// StopWithin is the deadline of every Interrupt; 10 s by default.
	StopWithin time.Duration
	// GoneWithin is how long a plugin may outlive its host; 15 s by default.
	GoneWithin time.Duration
	// Seen is called with each result as it comes.
	Seen func(Result)
}

// Status is how a rule was kept.
type Status string

// The statuses of a Result.
const (
	Kept    Status = "kept"
	Broken  Status = "broken"
	Skipped Status = "skipped"
)

// Result is one rule, and how the plugin keeps it.
type Result struct {
	// Command is the command's path, empty for a rule about the plugin.
	Command string `json:"command,omitempty"`
	Rule    string `json:"rule"`
	Status  Status `json:"status"`
	// Message says what is wrong, or why the rule was skipped.
	Message string `json:"message,omitempty"`
}

// Check judges the plugin at path. Its commands are run, as in their first example that needs no
// shell, against a cloud of the kit's own on the loopback interface, in a temporary folder. An error
// means that the kit itself couldn't work.
func Check(ctx context.Context, path string, o Options) ([]Result, error) {
	dir, err := os.MkdirTemp("", "imgctl-conformance")
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", path, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	failFor := cmp.Or(o.RunFor, 15*time.Second)
	o.RunFor, o.StopWithin = cmp.Or(o.RunFor, 5*time.Second), cmp.Or(o.StopWithin, 10*time.Second)
	o.GoneWithin = cmp.Or(o.GoneWithin, 15*time.Second)
	k := &kit{ctx: ctx, Options: o, failFor: failFor, path: path, dir: dir, env: environment(dir)}
	k.plugin()
	return k.results, ctx.Err()
}

// nowhere is a proxy that refuses every connection.
const nowhere = "http://127.0.0.1:1"

// environment is what the host lets through, with a home of the kit's own. Requests lead nowhere but to this machine,
// whatever examples name.
func environment(dir string) []string {
	env := []string{
		"HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8",
		"HTTP_PROXY=" + nowhere, "HTTPS_PROXY=" + nowhere, "NO_PROXY=localhost,127.0.0.1", "http_proxy=" + nowhere,
		"https_proxy=" + nowhere, "no_proxy=localhost,127.0.0.1",
	}
	if path, ok := os.LookupEnv("PATH"); ok {
		env = append(env, "PATH="+path)
	}
	return env
}

type kit struct {
	Options
	ctx     context.Context
	failFor time.Duration
	path    string
	dir     string
	env     []string
	results []Result
}

// errSkip is why a rule doesn't apply.
type errSkip string

func (e errSkip) Error() string { return string(e) }

// rule judges one rule; it reports whether it is kept.
func (k *kit) rule(command *pluginv1.Command, rule string, judge func() error) bool {
	if k.ctx.Err() != nil {
		return false
	}
	r := Result{Command: manifest.Path(command), Rule: rule, Status: Kept}
	var skip errSkip
	switch err := judge(); {
	case errors.As(err, &skip):
		r.Status, r.Message = Skipped, err.Error()
	case err != nil:
		r.Status, r.Message = Broken, err.Error()
	}
	k.results = append(k.results, r)
	if k.Seen != nil {
		k.Seen(r)
	}
	return r.Status == Kept
}

// plugin judges the plugin as a whole, and then each command.
func (k *kit) plugin() {
	if !k.rule(nil, "starts and shakes hands within 5 s", func() (err error) {
		for range startTries {
			var p *Process
			if p, err = start(k.path, startWithin, k.env); err == nil {
				p.Kill()
				return nil
			}
		}
		return err
	}) {
		return
	}
	var m *pluginv1.Manifest
	if !k.rule(nil, "describes itself alike twice, without environment", func() (err error) {
		m, err = k.describeTwice()
		return err
	}) {
		return
	}
	k.rule(nil, "has a manifest by the rules", func() error {
		return join(append(manifest.Check(m), manifest.CheckText(m)...))
	})
	k.rule(nil, "an unknown command is a problem of kind USAGE", func() error {
		return k.usage(&pluginv1.Start{Path: []string{"no", "such", "command"}})
	})
	k.rule(nil, "ends with its host", func() error { return k.orphan(nil) })
	if len(m.GetCommands()) > 0 {
		k.rule(nil, "ends with its host while a command runs", func() error { return k.orphan(m.GetCommands()[0]) })
	}
	if len(m.GetCommands()) > manifest.MaxCommands {
		return // which is broken already; running all of them would take hours
	}
	for _, c := range m.GetCommands() {
		k.command(c)
	}
}

func (k *kit) describeTwice() (*pluginv1.Manifest, error) {
	var all []*pluginv1.Manifest
	for _, env := range [][]string{nil, k.env} {
		p, err := Start(k.path, env...)
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(k.ctx, describeWithin)
		m, err := p.Client.Describe(ctx, &pluginv1.DescribeRequest{HostVersion: "0.0.0"})
		cancel()
		p.Kill()
		if err != nil {
			return nil, fmt.Errorf("calling Describe: %w%s", err, p.said())
		}
		all = append(all, m)
	}
	if !proto.Equal(all[0], all[1]) {
		return nil, errors.New("two calls of Describe give two manifests")
	}
	return all[0], nil
}

// usage judges whether Start is refused as making no sense, before anything else is asked for.
func (k *kit) usage(start *pluginv1.Start) error {
	r, _, err := k.run(start, nil, Host{}, whenLong)
	if err != nil {
		return err
	}
	if n := len(r.CloudRequests()); n > 0 {
		return fmt.Errorf("%d requests for a cloud came first", n)
	}
	if r.Kind() != pluginv1.ProblemKind_PROBLEM_KIND_USAGE {
		return fmt.Errorf("it ended with %s", ending(r))
	}
	return nil
}

// orphan judges whether the plugin's process ends when its host is killed, idle or while the command
// runs.
func (k *kit) orphan(command *pluginv1.Command) error {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return errSkip("there is no /proc to see processes in")
	}
	p, err := Start(k.path, k.env...)
	if err != nil {
		return err
	}
	defer p.Kill()
	if command != nil {
		cloud := NewCloud()
		defer cloud.Close()
		if _, err := p.Run(k.ctx, plausible(command, k.dir), Host{Cloud: cloud.Access}); err != nil {
			return err
		}
	}
	p.Abandon()
	if left := p.Left(k.ctx, k.GoneWithin); len(left) > 0 {
		return fmt.Errorf("%d processes are left %s after their host was killed", len(left), k.GoneWithin)
	}
	return nil
}

func join(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return errors.New(strings.Join(wrong, "; "))
}

// ending is how a command ended, in words.
func ending(r *Recording) string {
	switch d := r.Done(); {
	case r.Err != nil:
		return "the broken stream " + r.Err.Error()
	case d == nil:
		return "no Done"
	case d.GetProblem() != nil:
		return fmt.Sprintf("%s %q", d.GetProblem().GetKind(), d.GetProblem().GetMessage())
	default:
		return d.GetOutcome().String()
	}
}
