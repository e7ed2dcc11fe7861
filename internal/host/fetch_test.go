package host_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
)

// A plugin is installed from a URL if it is the file that the checksum says, and from an index, which lists
// one for this machine.
func TestPluginFromElsewhere(t *testing.T) {
	t.Parallel()
	w := alone(t)
	sum := sha256Of(t, packaged())
	var requests atomic.Int64
	index := fmt.Sprintf("plugins:\n  demo:\n    version: 1.0.0\n    files:\n"+
		"    - {os: plan9, arch: mips, url: imgctl-other, sha256: %[1]s}\n    - {os: %[2]s, arch: %[3]s, url: files/imgctl-demo, sha256: %[1]s}\n"+
		"  elsewhere:\n    files: [{os: plan9, arch: mips, url: imgctl-other, sha256: %[1]s}]\n", sum, runtime.GOOS, runtime.GOARCH)
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		switch r.URL.Path {
		case "/index.yaml":
			fmt.Fprint(out, index)
		case "/broken.yaml":
			fmt.Fprint(out, "plugins:\n  demo: {files: [{url: x, sha256: short}]}\n")
		case "/files/imgctl-demo":
			http.ServeFile(out, r, packaged())
		case "/moved/imgctl-demo":
			http.Redirect(out, r, s.URL+"/files/imgctl-demo", http.StatusFound)
		default:
			http.NotFound(out, r)
		}
	}))
	t.Cleanup(s.Close)
	file := s.URL + "/files/imgctl-demo"
	wrong := strings.Repeat("0", 64)
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{2, "a plugin from a URL needs --sha256", []string{file}},
		{2, "--sha256 is empty", []string{file, "--sha256", ""}},
		{2, "--index is empty", []string{"demo", "--index", ""}},
		{2, "no checksum of 64 hexadecimal digits", []string{file, "--sha256", "abc"}},
		{2, "plugins come over https only", []string{"http://plugins.example/imgctl-demo", "--sha256", sum}},
		{2, "is no URL", []string{"file:///etc/imgctl-demo", "--sha256", sum}},
		{2, "is not called imgctl-NAME", []string{s.URL + "/files/demo", "--sha256", sum}},
	} {
		w.bad(c.code, c.want, append([]string{"plugin", "install", "--yes"}, c.args...)...)
	}
	if n := requests.Load(); n > 0 {
		t.Errorf("%d requests for what can't be installed", n)
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{6, "its checksum is sha256:" + sum, []string{file, "--sha256", wrong}},
		{6, "its checksum is sha256:" + sum, []string{packaged(), "--sha256", wrong}},
		{4, "answers 404", []string{s.URL + "/imgctl-demo", "--sha256", sum}},
		{4, `has no plugin "other"; it has demo, elsewhere`, []string{"other", "--index", s.URL + "/index.yaml"}},
		{4, "it has files for plan9/mips", []string{"elsewhere", "--index", s.URL + "/index.yaml"}},
		{2, `sha256: "short" is no checksum`, []string{"demo", "--index", s.URL + "/broken.yaml"}},
		{1, "another checksum for demo", []string{"demo", "--index", s.URL + "/index.yaml", "--sha256", wrong}},
	} {
		w.bad(c.code, c.want, append([]string{"plugin", "install", "--yes"}, c.args...)...)
	}
	if err := os.Symlink("/dev/zero", w.path("imgctl-zero")); err != nil {
		t.Fatal(err)
	}
	w.bad(2, "is no regular file", "plugin", "install", "--yes", w.path("imgctl-zero"))
	w.bad(2, "is no regular file", "plugin", "install", "--yes", "demo", "--index", w.path("imgctl-zero"))
	if left, _ := filepath.Glob(w.path("**/.install-*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	// What a URL has for the server alone is neither shown nor kept.
	secret := strings.Replace(s.URL, "http://", "http://me:pass-4711@", 1)
	for _, args := range [][]string{
		{secret + "/imgctl-demo?token=pass-4711", "--sha256", sum},
		{"demo", "--index", secret + "/broken.yaml?token=pass-4711"},
		{"other", "--index", secret + "/index.yaml?token=pass-4711"},
		{strings.Replace(secret, s.Listener.Addr().String(), "127.0.0.1:1", 1) + "/imgctl-demo?token=pass-4711", "--sha256", sum},
	} {
		r := w.run(append([]string{"plugin", "install", "--yes"}, args...)...)
		if r.code == 0 || strings.Contains(r.stdout+r.stderr, "4711") {
			t.Errorf("%q: exit %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
	w.good("plugin", "install", "--yes", secret+"/files/imgctl-demo?token=pass-4711", "--sha256", sum)
	text, err := os.ReadFile(w.path(".config/imgctl/plugins.lock.yaml"))
	if err != nil || strings.Contains(string(text), "4711") || !strings.Contains(string(text), file) {
		t.Errorf("kept: %v\n%s", err, text)
	}
	w.good("plugin", "remove", "--yes", "demo")

	write(t, w.path("index.yaml"), strings.Replace(index, "files/imgctl-demo", file, 1))
	for source, args := range map[string][]string{
		file:                         {file, "--sha256", "SHA256:" + strings.ToUpper(sum)},
		s.URL + "/moved/imgctl-demo": {s.URL + "/moved/imgctl-demo", "--sha256", sum},
		"of an index":                {"demo", "--index", s.URL + "/index.yaml"},
		"of a file":                  {"demo", "--index", w.path("index.yaml")},
	} {
		w.good(append([]string{"plugin", "install", "--yes"}, args...)...)
		shown := w.good("plugin", "show", "demo", "-f", "value", "-c", "source", "-c", "sha256", "-c", "state")
		if strings.HasPrefix(source, "of ") {
			source = file
		}
		if want := sum + "\n" + source + "\nok\n"; shown != want {
			t.Errorf("got %q, want %q", shown, want)
		}
		w.good("plugin", "remove", "--yes", "demo")
	}
}
