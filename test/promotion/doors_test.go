package promotion_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// call is a promotion as a user asks for it: the options are the post-processor's.
type call struct {
	cloud   string // of clouds.yaml
	image   string // label
	options map[string]any
	gate    string // shell command
	dryRun  bool
}

// outcome is how a promotion ended, and what the user was told.
type outcome struct {
	ok   bool
	exit int // imgctl's exit code for it; Packer has one for all
	said string
}

// doors are the ways to promote. They end when the test does.
var doors = map[string]func(w *world, c call) outcome{
	"direct": direct, "packer": throughPacker, "imgctl": throughImgctl,
}

func direct(w *world, c call) outcome {
	w.t.Helper()
	var said strings.Builder
	err := func() error {
		main := w.connect(c.cloud)
		site := promote.Site{
			Images: w.clouds[c.cloud], Project: main.Project().ID, Admin: main.IsAdmin(), Run: "11111111-1111-4111-8111-111111111111",
			Acceptors: map[string]*glance.Client{},
		}
		o := promote.Options{ImageID: w.id(c.image)}
		for key, value := range c.options {
			text, _ := value.(string)
			switch key {
			case "image_name":
				o.Name = text
			case "archive_name":
				o.ArchiveName = text
			case "members":
				o.Members = text
			case "member_states":
				o.MemberStates = text
			case "accept_with":
				for _, user := range value.([]string) {
					site.Acceptors[w.ProjectID(user)] = w.clouds[user]
				}
			case "visibility":
				o.Visibility = text
			case "copy_properties":
				o.CopyProperties = value.([]string)
			case "old_action":
				o.OldAction = text
			case "keep":
				n := value.(int)
				o.Retain = &n
			case "strategy":
				o.Strategy = text
			default:
				return fmt.Errorf("this test doesn't know option %q", key)
			}
		}
		if c.gate != "" {
			o.Gate = []string{"sh", "-c", c.gate}
		}
		if err := errors.Join(o.Validate()...); err != nil {
			return fault.Wrap(fault.Usage, "", err)
		}
		plan, err := promote.NewPlan(w.t.Context(), site, o)
		if err != nil {
			return err
		}
		if c.dryRun {
			said.WriteString(strings.Join(plan.Changes(), "\n"))
			return nil
		}
		_, err = promote.Apply(w.t.Context(), site, plan, told{&said})
		return err
	}()
	if err != nil {
		said.WriteString(err.Error())
	}
	return outcome{err == nil, fault.ExitCode(err), said.String()}
}

// told keeps what a person is told.
type told struct{ to *strings.Builder }

var _ report.Reporter = told{}

func (r told) Step(format string, args ...any) { fmt.Fprintf(r.to, format+"\n", args...) }
func (r told) Warn(format string, args ...any) { fmt.Fprintf(r.to, format+"\n", args...) }
func (told) Progress(string, int64, int64)     {}
func throughPacker(w *world, c call) outcome   { w.t.Helper(); return end(packerCommand(w, c)) }
func throughImgctl(w *world, c call) outcome   { w.t.Helper(); return end(imgctlCommand(w, c)) }
func (w *world) imgctl(user string, a ...string) outcome {
	w.t.Helper()
	return end(imgctl(w, user, a...))
}

func end(cmd *exec.Cmd) outcome {
	out, err := cmd.CombinedOutput()
	code := cmd.ProcessState.ExitCode()
	if code < 0 {
		out = append(out, err.Error()...)
	}
	return outcome{code == 0, code, string(out)}
}

// packerCommand promotes by a build that makes nothing and names the image.
func packerCommand(w *world, c call) *exec.Cmd {
	w.t.Helper()
	block := map[string]any{"cloud": c.cloud, "image_id": w.id(c.image)}
	maps.Copy(block, c.options)
	if c.gate != "" {
		block["gate"] = []string{"sh", "-c", c.gate}
	}
	if c.dryRun {
		block["dry_run"] = true
	}
	template, err := json.Marshal(map[string]any{
		"packer": map[string]any{"required_plugins": map[string]any{"openstack": map[string]any{
			"source":  "github.com/imgctl/openstack",
			"version": ">= 0.1.0",
		}}},
		"source": map[string]any{"null": map[string]any{"nothing": map[string]any{"communicator": "none"}}},
		"build":  []any{map[string]any{"sources": []string{"null.nothing"}, "post-processor": map[string]any{"openstack-promote": block}}},
	})
	w.must(err)
	file := filepath.Join(w.t.TempDir(), "promote.pkr.json")
	w.must(os.WriteFile(file, template, 0o600))
	return packertest.New(w.t).Command(w.t, []string{"OS_CLIENT_CONFIG_FILE=" + w.CloudsYAML()}, "build", file)
}

func imgctlCommand(w *world, c call) *exec.Cmd {
	w.t.Helper()
	args := []string{"promote", "run", w.id(c.image)}
	for _, key := range slices.Sorted(maps.Keys(c.options)) {
		flag := "--" + strings.ReplaceAll(strings.TrimPrefix(key, "image_"), "_", "-")
		if list, ok := c.options[key].([]string); ok {
			args = append(args, flag, strings.Join(list, ","))
		} else {
			args = append(args, flag, fmt.Sprint(c.options[key]))
		}
	}
	if c.gate != "" {
		args = append(args, "--gate", c.gate)
	}
	if c.dryRun {
		args = append(args, "--dry-run")
	}
	return imgctl(w, c.cloud, append(args, "--yes")...)
}

func imgctl(w *world, user string, args ...string) *exec.Cmd {
	w.t.Helper()
	p := packertest.New(w.t) // makes imgctl as well
	home := w.t.TempDir()
	cmd := p.Around(w.t, filepath.Join(packertest.Root(), "bin", "imgctl"), append([]string{"--os-cloud", user}, args...)...)
	cmd.Env = append(cmd.Env, "OS_CLIENT_CONFIG_FILE="+w.CloudsYAML(), "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home,
		"XDG_DATA_HOME="+home)
	return cmd
}

// descendants are the processes that a process has started, and those that they have.
func descendants(t *testing.T, pid int) []int {
	t.Helper()
	children := map[int][]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		child, parent, _ := process(string(text))
		children[parent] = append(children[parent], child)
	}
	var all []int
	for next := children[pid]; len(next) > 0; next = next[1:] {
		all = append(all, next[0])
		next = append(next, children[next[0]]...)
	}
	return all
}

// process reads the pid, the parent's and the state in a /proc/PID/stat.
func process(stat string) (pid, parent int, state string) {
	_, _ = fmt.Sscan(stat, &pid)
	_, _ = fmt.Sscan(stat[strings.LastIndexByte(stat, ')')+1:], &state, &parent)
	return pid, parent, state
}

// running reports whether a process is there and hasn't ended.
func running(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, _, state := process(string(text))
	return state != "Z" && state != "X"
}
