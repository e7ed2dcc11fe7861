//go:build linux

package host_test

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// distribution makes a root file system of programs of the machine that the test runs on, with the libraries that
// they need: a shell and utilities that aren't the built-in ones.
func distribution(t *testing.T) []byte {
	t.Helper()
	if _, err := exec.LookPath("ldd"); err != nil {
		t.Skip("no ldd here to find the libraries of a shell")
	}
	entries := []tar.Header{
		file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nnobody:x:65534:65534::/nonexistent:/bin/false\n"),
		file("etc/group", "root:x:0:\ntty:x:5:\nwheel:x:10:alice\nalice:x:1000:\n"),
		file("etc/environment", "LANG=C.UTF-8\n"),
		{Typeflag: tar.TypeDir, Name: "home/alice/", Uid: 1000, Gid: 1000, Mode: 0o750},
		{Typeflag: tar.TypeDir, Name: "usr/bin/"},
		{Typeflag: tar.TypeSymlink, Name: "bin", Linkname: "usr/bin"},
		{Typeflag: tar.TypeSymlink, Name: "var/run", Linkname: "/run"},
	}
	have := map[string]bool{}
	add := func(path, name string) {
		if have[name] {
			return
		}
		have[name] = true
		b, err := os.ReadFile(path)
		if err != nil {
			t.Skip(err)
		}
		entries = append(entries, file(name, string(b)))
	}
	library := regexp.MustCompile(`(/\S+)`)
	for _, name := range []string{"sh", "cat", "id", "ls", "mkdir", "chmod", "chown", "touch", "sleep", "stat", "tr", "env"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Skip(err)
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			t.Skip(err)
		}
		add(path, "usr/bin/"+name)
		out, err := exec.Command("ldd", path).Output()
		if err != nil {
			continue // statically linked
		}
		for _, lib := range library.FindAllString(string(out), -1) {
			add(lib, strings.TrimPrefix(lib, "/"))
		}
	}
	return archive(t, entries...)
}

func TestDistribution(t *testing.T) {
	t.Parallel()
	p := boot(t, bytes.NewReader(distribution(t)), nil)
	if got := p.must("test -h /bin/sh; echo $?; ls /usr/bin | tr '\\n' ' '"); !strings.HasPrefix(got, "1\n") ||
		strings.Contains(got, "sed") {
		t.Errorf("the image's programs are not alone: %q", got)
	}
	if got := p.run("alice", "id -un; echo :$(id -Gn); echo $HOME $LANG; pwd"); got.out != "alice\n:alice wheel\n/home/alice "+
		"C.UTF-8\n/home/alice\n" && os.Geteuid() == 0 {
		t.Errorf("alice's world is %+v", got)
	}
	if r := p.runWith("alice", "scp -t .; sudo id -u", "C0644 2 f\nhi\x00"); r.code != 0 || !strings.HasSuffix(r.out, "0\n") {
		t.Errorf("what the image lacks: %+v", r)
	}
	if got := p.must("cat /home/alice/f; echo $0; command -v sed"); got != "hish\n/run/imgctl/bin/sed\n" {
		t.Errorf("got %q", got)
	}
	if r := p.run("debian", "id -un && touch ~/mine && stat -c :%U ~/mine"); os.Geteuid() == 0 && r.out != "debian\n:debian\n" {
		t.Errorf("a cloud user: %+v", r)
	}
	if os.Geteuid() == 0 {
		if r := p.run("alice", "touch /etc/x || echo refused"); r.out != "refused\n" {
			t.Errorf("alice in /etc: %+v", r)
		}
	}
	_, names := pack(t, p.dir)
	for _, n := range names {
		if strings.Contains(n, "imgctl") {
			t.Errorf("the image has %s", n)
		}
	}
	next, _ := pack(t, p.dir)
	q := boot(t, bytes.NewReader(next), nil)
	if got := q.must("cat /home/alice/f; ls -d /var/run/imgctl"); got != "hi/var/run/imgctl\n" {
		t.Errorf("the second guest says %q", got)
	}
}
