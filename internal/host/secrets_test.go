package host_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// withCloud is a user whose clouds are the sandbox's.
func withCloud(t *testing.T, env ...string) (*world, *sandbox.Cloud) {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{})
	w := newWorld(t, env...)
	w.env = append(w.env, "OS_CLIENT_CONFIG_FILE="+sb.CloudsYAML())
	return w, sb
}

func TestAPluginGetsATokenForTheCloudThatItAsksFor(t *testing.T) {
	t.Parallel()
	w, sb := withCloud(t, "OS_CLOUD=demo")
	for args, want := range map[string]string{
		"demo cloud":                      "demo\ndemo\n",
		"demo cloud --from admin":         "admin\nadmin\n",
		"demo cloud --os-cloud admin":     "admin\nadmin\n",
		"--os-cloud admin demo cloud":     "admin\nadmin\n",
		"demo cloud --from demo":          "demo\ndemo\n",
		"demo cloud --os-interface admin": "demo\ndemo\n",
		"demo cloud --both --from demo":   "demo\ndemo\n", // the same by its name
	} {
		sb.ResetRequests()
		if out := w.good(append(strings.Fields(args), "-f", "value")...); out != want {
			t.Errorf("%s: %q", args, out)
		}
		// One for the access, one for its renewal.
		if n := len(sb.Requests()); n != 2 {
			t.Errorf("%s: %d requests, want 2", args, n)
		}
	}
	w.bad(2, `there is no entry "nobody" in `, "demo", "cloud", "--from", "nobody")
	w.env = append(w.env, "OS_CLOUD=")
	w.bad(2, "no cloud is selected; choose an entry of clouds.yaml with --os-cloud", "demo", "cloud")
	w.bad(2, "credentials", "demo", "cloud", "--os-auth-url", sb.URL()+"/identity/v3")
}

// A password that is an ordinary word isn't crossed out of the names that it is a part of.
func TestAPasswordThatIsAWord(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"demo", "rows", "name", "Number"} {
		w := newWorld(t, "OS_PASSWORD="+password, "OS_CLOUD=x", "OS_CLIENT_CONFIG_FILE=clouds.yaml")
		write(t, w.path("clouds.yaml"), "clouds: {x: {auth: {auth_url: 'http://127.0.0.1:1', password: "+password+"}}}\n")
		if out := w.good("demo", "rows", "1", "-f", "json", "--noindent", "--os-username",
			password); out != `[{"Number": 0, "Name": "name 0"}]`+"\n" {
			t.Errorf("%s: %s", password, out)
		}
		if r := w.run("demo", "fail", "not-found"); !strings.Contains(r.stderr, `Error: doing "x": it is not-found (req-1)`) {
			t.Errorf("%s: %s", password, r.stderr)
		}
	}
}

// The password and the token are canaries: they appear in nothing that the host or the plugin
// leaves behind, shows or passes on.
func TestSecretsStayPut(t *testing.T) {
	t.Parallel()
	w, sb := withCloud(t, "OS_CLOUD=demo", "OS_PASSWORD=canary-in-the-environment")
	password := sb.Password("demo")
	if len(password) < 8 {
		t.Fatalf("the password %q is too short to be looked for", password)
	}
	r := w.run("demo", "leak", "-vv", "-f", "json")
	var shown struct{ Backwards string }
	if err := json.Unmarshal([]byte(r.stdout), &shown); err != nil || shown.Backwards == "" {
		t.Fatalf("%v\n%s%s", err, r.stdout, r.stderr)
	}
	token := []byte(shown.Backwards)
	slices.Reverse(token)
	if r.code != 1 || !strings.Contains(r.stderr, "text [redacted]") || !strings.Contains(r.stderr, "Error: error [redacted]") ||
		!strings.Contains(r.stdout, "[redacted]") {
		t.Errorf("exit %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	secrets := []string{string(token), password, "canary-in-the-environment"}
	for _, secret := range secrets {
		if strings.Contains(r.stdout+r.stderr, secret) {
			t.Errorf("a secret was shown:\n%s%s", r.stdout, r.stderr)
		}
	}

	// In whatever form results have, and in bytes that come in pieces.
	for _, args := range []string{
		"demo leak -f yaml", "demo leak -f table", "demo leak -f shell", "demo leak-rows", "demo leak-rows -f json",
		"demo leak-rows -f csv",
		"demo leak-rows -f yaml", "demo leak-rows -f value", "demo leak-rows --max-width 20", "demo leak-bytes", "demo leak-rows -c title",
		"demo leak --debug", "demo leak-rows --debug -f json", "demo leak-bytes --debug",
	} {
		r := w.run(strings.Fields(args)...)
		shown := strings.ReplaceAll(r.stdout+r.stderr, "\n", "")
		if !strings.Contains(shown, "[r") && !strings.Contains(args, "-c title") || strings.Contains(shown, string(token)) ||
			strings.Contains(shown, string(token[:20])) {
			t.Errorf("imgctl %s: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}

	// While a plugin runs: its arguments and its environment.
	cmd := w.command("demo", "wait")
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pidOf(t, bufio.NewReader(pipe))
	for _, name := range []string{"cmdline", "environ"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "environ" && !strings.Contains(string(text), "IMGCTL_PLUGIN=") {
			t.Error("that is not the plugin's environment")
		}
		for _, secret := range append(secrets, "OS_") {
			if strings.Contains(string(text), secret) {
				t.Errorf("%q in the plugin's %s: %q", secret, name, text)
			}
		}
	}
	_ = cmd.Process.Signal(os.Interrupt)
	_ = cmd.Wait()

	// What is left in files.
	err = filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("a secret is in %s", path)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
