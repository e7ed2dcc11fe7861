package walk_test

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/walk"
)

// realClouds names a clouds.yaml of a real OpenStack; without it the tests that need one are skipped.
const realClouds = "IMGCTL_ACCEPTANCE_CLOUDS"

// python is Debian's, which has python3-openstacksdk.
const python = "/usr/bin/python3"

//go:embed walk.py
var script string

func TestOnSandbox(t *testing.T) {
	t.Parallel()
	seed := sandbox.DefaultSeed()
	seed.Images = []sandbox.Image{{Project: "admin", Name: "tiny", Visibility: "public", DiskFormat: "qcow2", Data: make([]byte, 1<<20)}}
	c := sandboxtest.Start(t, sandbox.Options{Seed: seed})
	twice(t, c.CloudsYAML(), "demo")
}

func TestOnCloud(t *testing.T) {
	t.Parallel()
	file := os.Getenv(realClouds)
	if file == "" {
		t.Skipf("%s doesn't name a clouds.yaml; `make acceptance-clients` starts a cloud", realClouds)
	}
	twice(t, file, "walk")
}

// twice walks twice with each client. Nothing may be left, and so the second time is as the first.
func twice(t *testing.T, file, cloud string) {
	c, err := walk.Connect(t.Context(), file, cloud)
	if err != nil {
		t.Fatal(err)
	}
	given, err := c.Given(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("gophercloud", func(t *testing.T) {
		t.Parallel()
		for range 2 {
			name := "walk-" + uuid.NewString()
			if err := walk.Walk(t.Context(), c, given, name); err != nil {
				t.Fatal(err)
			}
			nothingLeft(t, c, name)
		}
	})
	t.Run("openstacksdk", func(t *testing.T) {
		t.Parallel()
		if out, err := exec.CommandContext(t.Context(), python, "-c", "import openstack").CombinedOutput(); err != nil {
			t.Skipf("%s has no openstacksdk: install python3-openstacksdk: %v %s", python, err, out)
		}
		var first string
		for range 2 {
			name := "walk-" + uuid.NewString()
			cmd := exec.CommandContext(t.Context(), python, "-c", script, cloud, name)
			home := t.TempDir()
			cmd.Env = append(os.Environ(), "OS_CLIENT_CONFIG_FILE="+file, "HOME="+home, "XDG_CACHE_HOME="+home, "XDG_CONFIG_HOME="+home)
			var errs strings.Builder
			cmd.Stderr = &errs
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v\n%s%s", err, out, errs.String())
			}
			nothingLeft(t, c, name)
			if steps := kinds(string(out)); first == "" {
				first = steps
			} else if steps != first {
				t.Errorf("the second time it did\n%s\nand the first\n%s", steps, first)
			}
		}
		if n := strings.Count(first, "gone "); n != 12 {
			t.Errorf("it deleted %d things: %s", n, first)
		}
	})
}

// kinds are the steps without ids.
func kinds(steps string) string {
	var b strings.Builder
	for line := range strings.Lines(steps) {
		words := strings.Fields(line)
		if words[0] == "made" {
			words = words[:len(words)-1]
		}
		fmt.Fprintln(&b, strings.Join(words, " "))
	}
	return b.String()
}

func nothingLeft(t *testing.T, c *walk.Cloud, name string) {
	t.Helper()
	left, err := c.Named(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
