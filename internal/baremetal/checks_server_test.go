package baremetal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/baremetal"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func detail(p *baremetal.Test, phase string) string {
	for _, ph := range p.Phases {
		if ph.Name == phase {
			return ph.Detail
		}
	}
	return ""
}

// A line of the console is waited for, and one that doesn't come fails the check.
func TestConsole(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	o := w.byNova()
	o.Console = "login:$"
	plan, err := w.test(t.Context(), w.site(), o)
	if err != nil || !strings.Contains(detail(plan, "check"), "login:") || !strings.Contains(detail(plan, "check"), "power") {
		t.Errorf("%v: %s", err, detail(plan, "check"))
	}
	w.as("node-1", w.old)

	o.Console, o.Deploy = "^never$", 5*time.Second
	plan, err = w.test(t.Context(), w.site(), o)
	if err == nil || !strings.HasPrefix(err.Error(), "check: console: ") || !strings.Contains(err.Error(), "^never$") {
		t.Errorf("%v\n%s", err, states(plan))
	}
	w.as("node-1", w.old)
	w.gone()
}

// What only a server of Nova has isn't checked without Nova. Nothing is reserved then.
func TestChecksThatNeedNova(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{})
	for text, set := range map[string]func(*baremetal.TestOptions){
		"check: ssh":                  func(o *baremetal.TestOptions) { o.Checks = []string{"ssh"} },
		"console: Nova":               func(o *baremetal.TestOptions) { o.Console = "login" },
		"console: error parsing":      func(o *baremetal.TestOptions) { o.Console, o.Direct = "(", false },
		`check: "console" is unknown`: func(o *baremetal.TestOptions) { o.Checks = []string{"console"} },
	} {
		o := w.options()
		set(&o)
		if _, err := w.test(t.Context(), w.site(), o); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, want %s", err, text)
		}
	}
	w.as("node-1", w.old)
}

// The SSH server of the deployed image answers, or the check fails.
func TestSSH(t *testing.T) {
	t.Parallel()
	w := startWith(t, sandboxtest.WithGuests(t, sandbox.Options{}), "", sandbox.Node{})
	id, err := w.AddImage(sandbox.Image{Name: "with an inside", Project: "admin", Data: make([]byte, 1024)}) // an empty tar
	if err != nil {
		t.Fatal(err)
	}
	o := w.byNova()
	o.Image, o.Checks, o.Deploy = id, []string{baremetal.CheckSSH}, time.Minute
	plan, err := w.test(t.Context(), w.site(), o)
	sandboxtest.SkipWithoutGuests(t, fmt.Sprint(err))
	if err != nil || !strings.Contains(detail(plan, "check"), "ssh SSH-2.0-") {
		t.Errorf("%v: %s", err, detail(plan, "check"))
	}
	w.as("node-1", w.old)
	w.gone()
}

func TestNoSSH(t *testing.T) {
	t.Parallel()
	w := start(t, "", sandbox.Node{}) // its servers have no inside
	o := w.byNova()
	o.Checks, o.Deploy = []string{baremetal.CheckSSH}, 5*time.Second
	if _, err := w.test(t.Context(), w.site(), o); err == nil || !strings.HasPrefix(err.Error(), "check: ssh: ") {
		t.Error(err)
	}
	w.as("node-1", w.old)
	w.gone()
}
