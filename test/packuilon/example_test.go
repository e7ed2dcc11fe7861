// Package packuilon judges what takes packuilon's place: with the real packer, on sandbox servers
// that have a stand-in for quattor.
package packuilon

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
)

// Two personalities, built side by side and promoted.
func TestExample(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("servers with an inside need Linux")
	}
	packer := packertest.New(t)
	program := filepath.Join(t.TempDir(), "packuilon")
	build := exec.Command("go", "build", "-o", program, "./example/packuilon")
	build.Dir, build.Env = packertest.Root(), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the example: %v\n%s", err, out)
	}
	cmd := packer.Around(t, sandboxtest.Agent(t), "run", "--", program)
	cmd.Dir = packertest.Root()
	b, err := cmd.CombinedOutput()
	out := string(b)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, p := range []string{"web", "batch"} {
		for _, line := range []string{
			`(?m)^==> openstack\.` + p + `: Waiting until Aquilon has registered server `,
			`(?m)^==> openstack\.` + p + `: Warning: fetching the profile failed \(exit code 1\)`,
			`(?m)^==> openstack\.` + p + `: 3 components configured, 0 errors, 0 warnings$`,
			`(?m)^--> openstack\.` + p + `: image \S+ is current under "sl7x-x86_64 ` + p + ` AQ"; image \S+ is archived as`,
			`(?m)^"sl7x-x86_64 ` + p + ` AQ" \(\S+\): has personality ` + p + ` inside, member-a sees it$`,
		} {
			if !regexp.MustCompile(line).MatchString(out) {
				t.Errorf("no line like %s in\n%s", line, out)
			}
		}
	}
	if second, done := strings.LastIndex(out, "Booting server"), strings.Index(out, "Capturing the image"); second > done {
		t.Errorf("the second build began when the first one was done\n%s", out)
	}
}
