package promotion_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// members is how the project's own credentials accept for others.
var members = []string{"member-a", "member-b"}

// contract is what a promotion does, whoever asks for it.
var contract = []struct {
	name    string
	call    call
	prepare func(w *world)
	exit    int      // 0 is success; others are imgctl's
	said    []string // in any case
	want    []string // of images, see world.is; the ones that aren't named stay as they are
}{
	{
		name: "the least", call: call{options: map[string]any{"accept_with": members}},
		said: []string{"Sharing image", "Archiving image"},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: archive web-base DAY ID shared active"},
	},
	{
		name: "an administrator", call: call{cloud: "admin"},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: archive web-base DAY ID shared active"},
	},
	{
		name: "members = copy", call: call{cloud: "admin", options: map[string]any{"members": "copy"}},
		want: []string{
			"fresh: web-base shared active member-a=accepted member-b=pending",
			"old: archive web-base DAY ID shared active member-a=accepted member-b=pending",
		},
	},
	{
		name: "members = none", call: call{options: map[string]any{"members": "none", "visibility": "private"}},
		want: []string{"fresh: web-base private active", "old: archive web-base DAY ID shared active member-a=accepted member-b=pending"},
	},
	{
		name: "member_states = accept", call: call{cloud: "admin", options: map[string]any{"member_states": "accept"}},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=accepted", "old: archive web-base DAY ID shared active"},
	},
	{
		name: "old_action = hide", call: call{cloud: "admin", options: map[string]any{"old_action": "hide"}},
		want: []string{
			"fresh: web-base shared active member-a=accepted member-b=pending",
			"old: archive web-base DAY ID shared active hidden",
		},
	},
	{
		name: "old_action = deactivate, visibility = public", call: call{
			cloud:   "admin",
			options: map[string]any{"old_action": "deactivate", "visibility": "public"},
		},
		want: []string{
			"fresh: web-base public active",
			"old: archive web-base DAY ID shared deactivated member-a=accepted member-b=pending",
		},
	},
	{
		name: "keep = 0", call: call{cloud: "admin", options: map[string]any{"keep": 0}},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: gone"},
	},
	{
		name: "strategy = pointer, copy_properties", call: call{
			cloud:   "admin",
			options: map[string]any{"strategy": "pointer", "copy_properties": []string{"os_*"}},
		},
		prepare: func(w *world) {
			_, err := w.clouds["demo"].Update(w.t.Context(), w.id("old"), glance.Patch{}.Set("imgctl_current", name))
			w.must(err)
		},
		want: []string{"fresh: web-base build shared active member-a=accepted member-b=pending", "old: web-base shared active"},
	},
	{
		name: "archive_name", call: call{
			cloud:   "admin",
			options: map[string]any{"archive_name": "{{ .Name }} of {{ .Date }}, {{ .ShortID }}"},
		},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: web-base of DAY, ID shared active"},
	},
	{
		name: "a dry run", call: call{cloud: "admin", dryRun: true},
		said: []string{`name becomes "web-base"`, `name becomes "archive web-base`, "becomes accepted"},
	},
	{
		name: "a gate that is content", call: call{cloud: "admin", gate: `echo "looked at $IMAGE_NAME"`},
		said: []string{"looked at web-base"},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: archive web-base DAY ID shared active"},
	},
	{
		name: "a gate that refuses", call: call{cloud: "admin", gate: `echo "bad image" >&2; exit 3`}, exit: 1,
		said: []string{"bad image", "refused image", "exit status 3", "nothing was changed"},
	},
	{
		name: "a wrong word", call: call{cloud: "admin", options: map[string]any{"archive_name": "old {{ .Name }}"}}, exit: 2,
		said: []string{"would get the same name"},
	},
	{
		name: "members that nobody can accept for", exit: 6,
		said: []string{"which only they can do", "use an admin's credentials"},
	},
	{
		name: "another project's image", call: call{image: "theirs"}, exit: 4,
		said: []string{"theirs"},
	},
	{
		name: "an image quota that is too small", call: call{cloud: "admin"}, exit: 7,
		prepare: func(w *world) {
			w.Faults().Add(sandbox.Rule{
				Method: "POST", Path: "/image/**/members", Nth: 2,
				Fault: sandbox.Status(http.StatusRequestEntityTooLarge),
			})
		},
		said: []string{"Rolling back the promotion", "(nothing is changed)"},
	},
	{
		name: "answers that are lost", call: call{cloud: "admin"},
		prepare: func(w *world) {
			w.Faults().Add(sandbox.Rule{
				Method: "POST|PUT|PATCH|DELETE", Path: "/image/**", Rate: 0.3, Seed: 7,
				Fault: sandbox.Fault{Do: sandbox.DropAfter},
			})
		},
		want: []string{"fresh: web-base shared active member-a=accepted member-b=pending", "old: archive web-base DAY ID shared active"},
	},
}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, tt := range contract {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			states := map[string][]string{}
			for _, door := range slices.Sorted(maps.Keys(doors)) {
				w := newWorld(t)
				c := tt.call
				if c.cloud == "" {
					c.cloud = "demo"
				}
				if c.image == "" {
					c.image = "fresh"
				}
				options := map[string]any{"image_name": name}
				maps.Copy(options, c.options)
				c.options = options
				if tt.prepare != nil {
					tt.prepare(w)
				}
				before := w.state()
				o := doors[door](w, c)
				w.Faults().Clear()
				states[door] = w.state()
				if o.ok != (tt.exit == 0) || door != "packer" && o.exit != tt.exit {
					t.Errorf("%s: ended with %d, want %d:\n%s", door, o.exit, tt.exit, o.said)
				}
				for _, want := range tt.said {
					said := o.said
					for id, label := range w.labels {
						said = strings.ReplaceAll(said, id, label)
					}
					if !strings.Contains(said, want) {
						t.Errorf("%s: doesn't say %q:\n%s", door, want, o.said)
					}
				}
				for _, want := range tt.want {
					w.is(want)
				}
				if len(tt.want) == 0 && !slices.Equal(states[door], before) {
					t.Errorf("%s: changed\nfrom %s\n  to %s", door, strings.Join(before, "\n     "), strings.Join(states[door], "\n     "))
				}
				if !slices.Equal(states[door], states["direct"]) {
					t.Errorf("%s left another state than a direct call:\n%s\ndirect:\n%s", door, strings.Join(states[door], "\n"),
						strings.Join(states["direct"], "\n"))
				}
			}
		})
	}
}

// A promotion through one door that is killed at each of its writes is finished through another.
func TestKilledBehindOneDoorFinishedThroughAnother(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: starts packer many times")
	}
	c := call{cloud: "admin", image: "fresh", options: map[string]any{"image_name": name}}
	for _, tt := range []struct{ first, then string }{{"packer", "imgctl"}, {"imgctl", "packer"}, {"imgctl", "direct"}} {
		t.Run(tt.first+", then "+tt.then, func(t *testing.T) {
			t.Parallel()
			for nth := 1; ; nth++ {
				w := newWorld(t)
				if !w.kill(tt.first, c, nth) {
					if nth < 9 { // claim, staging, two members, one acceptance, swap, archiving, two withdrawals ...
						t.Errorf("there were only %d writes", nth-1)
					}
					return
				}
				if o := doors[tt.then](w, c); !o.ok {
					t.Fatalf("killed at write %d; %s then says:\n%s", nth, tt.then, o.said)
				}
				w.is("fresh: web-base shared active member-a=accepted member-b=pending")
				w.is("old: archive web-base DAY ID shared active")
				w.clean()
				if t.Failed() {
					t.Fatalf("killed at write %d", nth)
				}
			}
		})
	}
}

// kill promotes through a door, and kills what is behind it when the service has carried out the
// nth write. It reports whether there was an nth.
func (w *world) kill(door string, c call, nth int) bool {
	w.t.Helper()
	cmd := packerCommand(w, c)
	if door == "imgctl" {
		cmd = imgctlCommand(w, c)
	}
	started, dead := make(chan struct{}), make(chan struct{})
	var killed []int
	w.Faults().Add(sandbox.Rule{
		Method: "POST|PUT|PATCH|DELETE", Path: "/image/**", Nth: nth,
		Fault: sandbox.Fault{Do: sandbox.DropAfter, After: func(*http.Request) {
			<-started
			// Packer's first process goes first: when its second is killed it takes over, and starts anew.
			killed = append([]int{cmd.Process.Pid}, descendants(w.t, cmd.Process.Pid)...)
			for _, pid := range killed {
				_ = syscall.Kill(pid, syscall.SIGKILL) // gone already, if this fails
			}
			<-dead
		}},
	})
	w.must(cmd.Start())
	close(started)
	_ = cmd.Wait() // it was killed
	close(dead)
	w.Faults().Clear()
	for _, pid := range killed {
		for running(pid) {
			time.Sleep(10 * time.Millisecond) // between two looks
		}
	}
	return !cmd.ProcessState.Success()
}

// clean fails where a trace of a promotion is left.
func (w *world) clean() {
	w.t.Helper()
	for _, line := range w.state() {
		for _, trace := range []string{"imgctl_promotion", "imgctl_promoting", "imgctl_claim"} {
			if strings.Contains(line, trace) {
				w.t.Errorf("%s is left: %s", trace, line)
			}
		}
	}
}

// What packer left is settled by imgctl promote resume, after which there is nothing to settle.
func TestResumeAfterPacker(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("left out by -short: starts packer many times")
	}
	c := call{cloud: "admin", image: "fresh", options: map[string]any{"image_name": name}}
	outcomes := map[string]bool{}
	for nth := 1; ; nth++ {
		w := newWorld(t)
		before := w.state()
		if !w.kill("packer", c, nth) {
			break
		}
		status := w.imgctl("demo", "promote", "status", "-f", "json")
		o := w.imgctl("admin", "promote", "resume", "--project", w.ProjectID("demo"), "-f", "json")
		if !status.ok || !o.ok {
			t.Fatalf("killed at write %d: %s\n%s", nth, status.said, o.said)
		}
		switch {
		case strings.Contains(o.said, "finished"):
			outcomes["finished"] = true
			w.is("fresh: web-base shared active member-a=accepted member-b=pending")
			w.is("old: archive web-base DAY ID shared active")
		case strings.Contains(o.said, "rolled back"):
			outcomes["rolled back"] = true
			if after := w.state(); !slices.Equal(after, before) {
				t.Errorf("killed at write %d: changed\nfrom %s\n  to %s", nth, strings.Join(before, "\n     "),
					strings.Join(after, "\n     "))
			}
		}
		w.clean()
		if o := w.imgctl("demo", "promote", "status", "-f", "json"); strings.TrimSpace(o.said) != "[]" {
			t.Errorf("killed at write %d: after the resume the status is %s", nth, o.said)
		}
	}
	if len(outcomes) != 2 {
		t.Errorf("promotions were %v, want some finished and some rolled back", outcomes)
	}
}

// Ctrl-C takes a promotion back, as a failure does.
func TestInterruptedImgctl(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.state()
	cmd := imgctlCommand(w, call{cloud: "admin", image: "fresh", options: map[string]any{"image_name": name}})
	started := make(chan struct{})
	w.Faults().Add(sandbox.Rule{
		Method: "PUT", Path: "/image/**/members/*", Nth: 1,
		Fault: sandbox.Fault{Do: sandbox.Observe, After: func(*http.Request) {
			<-started
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
			<-t.Context().Done() // the promotion is interrupted in the middle of a request
		}},
	})
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	w.must(cmd.Start())
	close(started)
	_ = cmd.Wait() // the status tells
	w.Faults().Clear()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("ended with %d, want 130:\n%s", code, out.String())
	}
	if after := w.state(); !slices.Equal(after, before) {
		t.Errorf("changed\nfrom %s\n  to %s\n%s", strings.Join(before, "\n     "), strings.Join(after, "\n     "), out.String())
	}
}
