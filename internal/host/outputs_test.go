package host_test

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// A command never overwrites a file that it also reads, by whatever name, nor writes two things to one file.
func TestInputsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "OS_CLIENT_CONFIG_FILE=clouds.yaml")
	kept := map[string]string{
		"clouds.yaml": "clouds: {}\n", "in": "input\n", "other": "another\n", "ca.pem": "certificate\n", "pw": "secret\n",
	}
	for name, text := range kept {
		write(t, w.path(name), text)
	}
	for _, err := range []error{
		os.Symlink("in", w.path("link")), os.Link(w.path("in"), w.path("hard")), os.Mkdir(w.path("dir"), 0o700),
		os.Symlink("dir", w.path("folder")), os.Symlink(w.path("in"), w.path("dir/far")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"in --html in":                          "--html would overwrite in, which FROM names",
		"in in":                                 "TO would overwrite in, which FROM names",
		"in --html ./in":                        "--html would overwrite ./in, which FROM names",
		"in --html dir/../in":                   "--html would overwrite",
		"in --html link":                        "--html would overwrite link",
		"in --html hard":                        "--html would overwrite hard",
		"in --html folder/far":                  "--html would overwrite folder/far",
		"in --html " + w.path("in"):             "--html would overwrite",
		"link --report in":                      "--report would overwrite in, which FROM names",
		"in --also other --html other":          "--html would overwrite other, which --also names",
		"in --more in,other --report other":     "--report would overwrite other, which --more names",
		"in --key pw --html pw":                 "--html would overwrite pw, which --key names",
		"in --html clouds.yaml":                 "--html would overwrite clouds.yaml, which imgctl's configuration of clouds names",
		"in --os-cacert ca.pem --html ./ca.pem": "which --os-cacert names",
		"in --html new --report new":            "--html and --report would write the same file, new",
		"in --html dir/new --report folder/new": "--html and --report would write the same file",
		"in new --report ./new":                 "TO and --report would write the same file",
		"in --html other --report ./other":      "--html and --report would write the same file",
	} {
		w.bad(2, want, append([]string{"demo", "convert"}, strings.Fields(line)...)...)
	}
	for name, text := range kept {
		if got, err := os.ReadFile(w.path(name)); err != nil || string(got) != text {
			t.Errorf("%s has %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(w.path("new")); err == nil {
		t.Error("something was written before the refusal")
	}
	for _, line := range []string{"in --also in", "in --html out --report dir/out", "in --html /dev/null --report /dev/null"} {
		w.good(append([]string{"demo", "convert"}, strings.Fields(line)...)...)
	}
}

// A pipe to read from is refused at once: nobody might ever write to it.
func TestAPipeToRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.path("in"), "input\n")
	if err := syscall.Mkfifo(w.path("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.bad(2, "FROM: pipe is a pipe", "demo", "convert", "pipe")
	w.bad(2, "--also: pipe is a pipe", "demo", "convert", "in", "--also", "pipe")
	w.bad(2, "--more: pipe is a pipe", "demo", "convert", "in", "--more", "in,pipe")
}

// Whoever reads it, a file that isn't there has the exit code of what isn't found.
func TestAFileThatIsNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.path("in"), "input\n")
	w.bad(4, "none", "demo", "convert", "in", "--key", "none")
	w.bad(4, "imgctl-none", "plugin", "install", "--yes", w.path("imgctl-none"))
	w.bad(4, "imgctl-none", "plugin", "check", w.path("imgctl-none"))
}

// A report that couldn't be written is refused before the command starts.
func TestAFolderToWriteIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.path("in"), "input\n")
	if err := os.Mkdir(w.path("dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.bad(4, "--html: writing none/out: stat ", "demo", "convert", "in", "--html", "none/out")
	w.bad(4, "create the folder first", "demo", "convert", "in", "--html", "out", "--report", "none/out")
	w.bad(2, "in is no folder", "demo", "convert", "in", "--html", "in/out")
	w.bad(2, "--html: writing dir: it is a folder; name a file in it", "demo", "convert", "in", "--html", "dir")
	w.bad(1, "open ", "demo", "convert", "in", "none/out") // an argument may be made with its folders: the command says it
	w.good("demo", "convert", "in", "--html", "dir/out", "--report", "/dev/null")
}
