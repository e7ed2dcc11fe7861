package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// realClouds names a clouds.yaml of a real OpenStack; without it the tests that need one are skipped.
const realClouds = "IMGCTL_ACCEPTANCE_CLOUDS"

// The sandbox answers the client's commands as the recording of the real OpenStack says, but for what differences.txt
// lists.
func TestOnSandbox(t *testing.T) {
	t.Parallel()
	known := differences(t)
	for _, s := range scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			c := sandboxtest.Start(t, Options())
			compare(t, s, OnSandbox(c), known[s.Name])
		})
	}
	for name := range known {
		if _, err := os.Stat("scripts/" + name + ".txt"); err != nil {
			t.Errorf("differences.txt names a script %q", name)
		}
	}
}

// The recording is what the real OpenStack does.
func TestOnCloud(t *testing.T) {
	t.Parallel()
	file := os.Getenv(realClouds)
	if file == "" {
		t.Skipf("%s doesn't name a clouds.yaml; `make acceptance-clients` starts a cloud", realClouds)
	}
	for name, chain := range Chains(scripts(t)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range chain {
				t.Run(s.Name, func(t *testing.T) { compare(t, s, OnCloud(file), nil) })
			}
		})
	}
}

// scripts are all scripts; the client that runs them has to be there.
func scripts(t *testing.T) []Script {
	needClient(t)
	all, err := ReadScripts(os.DirFS("scripts"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("there are no scripts")
	}
	return all
}

func needClient(t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), Python, "-c", "import openstackclient").CombinedOutput(); err != nil {
		t.Skipf("%s has no OpenStackClient: install python3-openstackclient: %v %s", Python, err, out)
	}
}

// compare runs a script. Steps with known differences have to differ.
func compare(t *testing.T, s Script, cloud Cloud, known map[string]string) {
	got, err := s.Run(t.Context(), cloud, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ReadRecording("recordings", s.Name)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("the script has %d steps, and its recording %d: record it anew", len(got), len(want))
	}
	differ := map[string]bool{}
	for n := range got {
		if got[n].Step != want[n].Step {
			t.Fatalf("the recording has %q in place of %q: record it anew", want[n].Step, got[n].Step)
		}
		different := Compare(got[n], want[n])
		if len(different) == 0 {
			continue
		}
		differ[got[n].Step] = true
		if _, ok := known[got[n].Step]; !ok {
			t.Errorf("%s: %s", got[n].Step, strings.Join(different, "; "))
		}
	}
	for step := range known {
		if !differ[step] {
			t.Errorf("%s doesn't differ: remove it from differences.txt", step)
		}
	}
}

// differences are the steps in which the sandbox may differ, with the reasons, by script. At most one of twenty commands
// that work on the real OpenStack may be among them.
func differences(t *testing.T) map[string]map[string]string {
	t.Helper()
	known, err := ReadDifferences("differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	works, listed := 0, 0
	scripts, err := ReadScripts(os.DirFS("scripts"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		recorded, err := ReadRecording("recordings", s.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range recorded {
			if o.Status != 0 {
				continue
			}
			works++
			if _, ok := known[s.Name][o.Step]; ok {
				listed++
			}
		}
	}
	t.Logf("%d of the %d steps that work on the real OpenStack differ on the sandbox", listed, works)
	if listed*20 > works {
		t.Errorf("%d of the %d steps that work on the real OpenStack may differ, more than 5%%", listed, works)
	}
	return known
}

// Each of the client's commands is in a script, but for those that untried.txt gives a reason for.
func TestEveryCommand(t *testing.T) {
	t.Parallel()
	needClient(t)
	commands, err := Commands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, names := range commands {
		all = append(all, names...)
	}
	if len(all) < 400 {
		t.Fatalf("the client has %d commands", len(all))
	}
	scripts, err := ReadScripts(os.DirFS("scripts"))
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, s := range scripts {
		for _, step := range s.Steps {
			name := step.Command(all)
			if name == "" {
				t.Errorf("%s:%d: %s isn't one of the client's commands", s.Name, step.Line, step)
			}
			used[name] = true
		}
	}
	untried, err := ReadUntried("untried.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if _, ok := untried[name]; ok == used[name] {
			t.Errorf("%s: in a script %t, in untried.txt %t", name, used[name], ok)
		}
	}
	for name := range untried {
		if !slices.Contains(all, name) {
			t.Errorf("untried.txt has %q, which is no command", name)
		}
	}
}
