package openstackclient_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// The same failure advises each user in the words that the user knows.
func TestAdviceFitsTheDoor(t *testing.T) {
	t.Parallel()
	w := &world{sandboxtest.Start(t, sandbox.Options{}), t, install(t)}
	w.image("web-base", "demo")
	fresh := w.image("web-base build", "demo")
	if status, _, stderr := w.run(strings.Fields("image share add web-base --from demo --to member-a")...); status != 0 {
		t.Fatal(stderr)
	}
	suspended := w.image("suspended", "demo")
	for _, args := range []string{"image share add suspended --from demo --to member-a", "image share suspend suspended --from demo"} {
		if status, _, stderr := w.run(strings.Fields(args)...); status != 0 {
			t.Fatal(stderr)
		}
	}
	template := filepath.Join(t.TempDir(), "promote.pkr.hcl")
	if err := os.WriteFile(template, []byte(`
source "null" "none" { communicator = "none" }
build {
  sources = ["source.null.none"]
  post-processor "openstack-promote" {
    cloud      = "demo"
    image_id   = "`+fresh+`"
    image_name = "web-base"
  }
}
`), 0o600); err != nil {
		t.Fatal(err)
	}
	imgctl := func(args string) string {
		cmd := packertest.New(t).Around(t, filepath.Join(packertest.Root(), "bin", "imgctl"), strings.Fields(args)...)
		cmd.Env = append(cmd.Env, "OS_CLIENT_CONFIG_FILE="+w.CloudsYAML(), "HOME="+t.TempDir())
		out, _ := cmd.CombinedOutput() // the text tells
		return string(out)
	}
	openstack := func(args string) string {
		_, stdout, stderr := w.run(strings.Fields(args)...)
		return stdout + stderr
	}
	packer, _ := packertest.New(t).Run(t, []string{"OS_CLIENT_CONFIG_FILE=" + w.CloudsYAML()}, "build", template)
	for _, c := range []struct{ name, said, want string }{
		{"an option, in Packer", packer, `name clouds with their credentials in accept_with, use an admin's credentials, or set members = "none"`},
		{
			"an option, in imgctl", imgctl("--os-cloud demo promote run " + fresh + " --name web-base"),
			"in --accept-with, use an admin's credentials, or set --members none",
		},
		{
			"an option, in openstack", openstack("--os-cloud demo image promote run " + fresh + " --name web-base"),
			"in --accept-with, use an admin's credentials, or set --members none",
		},
		{"an action, in imgctl", imgctl("share add suspended --from demo --to member-b"), "resume it first, with `imgctl share resume " +
			suspended + "`"},
		{
			"an action, in openstack", openstack("image share add suspended --from demo --to member-b"),
			"resume it first, with `openstack image share resume " + suspended + "`",
		},
	} {
		// Packer wraps and marks its lines.
		if !strings.Contains(strings.Join(strings.Fields(c.said), " "), c.want) {
			t.Errorf("%s: %q isn't in\n%s", c.name, c.want, c.said)
		}
	}
}
