package host_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

type finding struct{ Area, What, State, Found, Advice string }

// examined are the findings of imgctl doctor, by area and what they are about.
func examined(t *testing.T, w *world, code int, args ...string) map[string]finding {
	t.Helper()
	r := w.run(append([]string{"doctor", "-f", "json"}, args...)...)
	if r.code != code {
		t.Fatalf("exit %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	var all []finding
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil {
		t.Fatal(err)
	}
	by := map[string]finding{}
	for _, f := range all {
		by[f.Area+" "+f.What] = f
	}
	return by
}

func (f finding) is(t *testing.T, state, found string) {
	t.Helper()
	if f.State != state || !strings.Contains(f.Found, found) {
		t.Errorf("%+v, want %s with %q", f, state, found)
	}
}

// site is a user with a cloud of the sandbox.
func site(t *testing.T) (*world, *sandbox.Cloud) {
	t.Helper()
	sb := sandboxtest.Start(t)
	text, err := os.ReadFile(sb.CloudsYAML())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	write(t, w.path("clouds.yaml"), string(text))
	w.env = append(w.env, "OS_CLOUD="+sandbox.DefaultCloud)
	return w, sb
}

func TestDoctorOfACloud(t *testing.T) {
	t.Parallel()
	w, sb := site(t)
	sb.ResetRequests()
	all := examined(t, w, 0)
	all["cloud demo: sign-in"].is(t, "ok", "project demo (")
	all["cloud demo: image"].is(t, "ok", "/image/v2/, version 2.")
	all["cloud demo: compute"].is(t, "ok", "microversions up to 2.")
	all["cloud demo: see all projects"].is(t, "note", "no")
	all["plugins demo"].is(t, "ok", "packaged")
	for _, r := range sb.Requests() {
		if r.Method != http.MethodGet && !strings.HasSuffix(r.Path, "/auth/tokens") {
			t.Errorf("sent %s %s", r.Method, r.Path)
		}
	}
	examined(t, w, 0, "admin")["cloud admin: see all projects"].is(t, "ok", "yes")
	sb.ResetRequests()
	for what := range examined(t, w, 0, "--no-cloud") {
		if strings.HasPrefix(what, "cloud ") {
			t.Errorf("examined %s", what)
		}
	}
	if sent := sb.Requests(); len(sent) > 0 {
		t.Errorf("without a cloud, sent %v", sent)
	}
}

// A service that doesn't answer, a password that is wrong and an entry that is missing are one finding each.
func TestDoctorOfWhatDoesNotWork(t *testing.T) {
	t.Parallel()
	w, sb := site(t)
	sb.Faults().Add(sandbox.Rule{Path: "/image/**", Fault: sandbox.Status(http.StatusForbidden)})
	all := examined(t, w, 1)
	all["cloud demo: image"].is(t, "error", "403")
	all["cloud demo: compute"].is(t, "ok", "")
	sb.Faults().Clear()

	text, err := os.ReadFile(w.path("clouds.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "not-the-password-of-anybody"
	broken := strings.ReplaceAll(string(text), "password: ", "password: "+secret)
	write(t, w.path("clouds.yaml"), broken)
	r := w.run("doctor", "-f", "json")
	if r.code != 1 || strings.Contains(r.stdout+r.stderr, secret) {
		t.Errorf("with a wrong password: exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	examined(t, w, 1)["cloud demo: sign-in"].is(t, "error", "401")
	examined(t, w, 1, "dmeo")["cloud dmeo: sign-in"].is(t, "error", "no entry \"dmeo\"")
	write(t, w.path(".config/imgctl/config.yaml"), "plugins: [a]\n")
	examined(t, w, 1, "--no-cloud")["folders settings"].is(t, "error", "config.yaml")
	w.bad(2, "--no-cloud", "doctor", "--no-cloud", "demo")
	w.bad(2, "empty", "doctor", "")
}

// What others may read or write is a warning that says how to mend it.
func TestDoctorOfFilesOfOthers(t *testing.T) {
	t.Parallel()
	w, _ := site(t)
	if err := os.Chmod(w.path("clouds.yaml"), 0o644); err != nil { // #nosec G302 -- this is what is found
		t.Fatal(err)
	}
	write(t, w.path(".config/imgctl/config.yaml"), "plugins: {}\n")
	if err := os.Chmod(w.path(".config/imgctl/config.yaml"), 0o666); err != nil { // #nosec G302 -- this is what is found
		t.Fatal(err)
	}
	all := examined(t, w, 0, "--no-cloud")
	all["files clouds.yaml"].is(t, "warning", "mode 644")
	all["folders settings"].is(t, "warning", "other users can write it")
	if advice := all["folders settings"].Advice; !strings.HasPrefix(advice, "chmod go-w ") {
		t.Errorf("advice: %q", advice)
	}
}
