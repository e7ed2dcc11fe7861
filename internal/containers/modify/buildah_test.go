package modify_test

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// needs skips a test where a program that it can't do without is missing.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: not every machine lets others run containers with buildah")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s isn't installed, and the step runs it: apt-get install %s", p, p)
		}
	}
}

// rootfs is a layer: busybox for its shell, files, and programs of this machine with their libraries.
type rootfs struct {
	t     *testing.T
	w     *tar.Writer
	out   bytes.Buffer
	there map[string]bool
}

func newRoot(t *testing.T) *rootfs {
	t.Helper()
	r := &rootfs{t: t, there: map[string]bool{}}
	r.w = tar.NewWriter(&r.out)
	for _, folder := range []string{"bin", "etc", "tmp", "usr", "var"} {
		r.folder(folder)
	}
	r.file("etc/passwd", 0o644, "root:x:0:0::/:/bin/sh\nnova:x:162:162::/:/bin/sh\n")
	r.file("etc/group", 0o644, "root:x:0:\nnova:x:162:\n")
	r.host("/bin/busybox", "bin/busybox")
	r.program("/usr/bin/comm")
	r.program("/usr/bin/dash") // busybox's shell takes its own rpm for the real one
	r.link("bin/sh", "../usr/bin/dash")
	for name := range strings.FieldsSeq("cat ls echo mkdir rm id cp find sort cut touch sleep grep env chmod true sed head mv") {
		r.link("bin/"+name, "busybox")
	}
	return r
}

func (r *rootfs) header(h *tar.Header, body []byte) {
	r.t.Helper()
	if r.there[h.Name] {
		return
	}
	if dir := filepath.Dir(strings.TrimSuffix(h.Name, "/")); dir != "." && !r.there[dir+"/"] {
		r.folder(dir)
	}
	r.there[h.Name] = true
	h.Size = int64(len(body))
	if err := r.w.WriteHeader(h); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.w.Write(body); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rootfs) folder(name string) {
	r.header(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}, nil)
}

func (r *rootfs) file(name string, mode int64, text string) {
	r.header(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode}, []byte(text))
}

func (r *rootfs) link(name, target string) {
	r.header(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target}, nil)
}

// host takes a file of this machine.
func (r *rootfs) host(from, to string) {
	r.t.Helper()
	body, err := os.ReadFile(from)
	if err != nil {
		r.t.Skipf("needs %s of this machine, for the image: %v", from, err)
	}
	r.header(&tar.Header{Typeflag: tar.TypeReg, Name: to, Mode: 0o755}, body)
}

// program takes a program of this machine with the libraries that it is linked to.
func (r *rootfs) program(name string) {
	r.t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		r.t.Skipf("needs %s on this machine, for the image; install it: %v", name, err)
	}
	r.host(file, file[1:])
	r.libraries(file)
}

// libraries takes what a file is linked to.
func (r *rootfs) libraries(file string) {
	r.t.Helper()
	out, err := exec.CommandContext(r.t.Context(), "ldd", file).Output()
	if err != nil {
		r.t.Skipf("needs ldd, to find the libraries of %s for the image: %v", file, err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			r.host(word, word[1:])
		}
	}
}

// packages takes what Debian's packages have, without documentation.
func (r *rootfs) packages(names ...string) {
	r.t.Helper()
	out, err := exec.CommandContext(r.t.Context(), "dpkg", append([]string{"-L"}, names...)...).Output()
	if err != nil {
		r.t.Skipf("needs Debian's packages %q, whose files the image gets: %v", names, err)
	}
	for file := range strings.SplitSeq(string(out), "\n") {
		info, err := os.Lstat(file)
		skip := strings.Contains(file, "/share/doc") || strings.Contains(file, "/share/man") || strings.Contains(file, "/lib2to3/")
		switch {
		case err != nil || skip:
		case info.Mode().IsRegular():
			r.host(file, file[1:])
			if strings.HasSuffix(file, ".so") {
				r.libraries(file)
			}
		case info.Mode()&fs.ModeSymlink != 0:
			if target, err := os.Readlink(file); err == nil {
				r.link(file[1:], target)
			}
		}
	}
}

func (r *rootfs) image() v1.Image {
	r.t.Helper()
	image, err := mutate.Config(r.on(empty.Image), v1.Config{
		User: "nova", Env: []string{"PATH=/bin:/usr/bin"}, Cmd: []string{"sh"}, WorkingDir: "/var",
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return image
}

// on is the image with the layer.
func (r *rootfs) on(base v1.Image) v1.Image {
	r.t.Helper()
	if err := r.w.Close(); err != nil {
		r.t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.out.Bytes())), nil })
	if err != nil {
		r.t.Fatal(err)
	}
	image, err := mutate.AppendLayers(base, layer)
	if err != nil {
		r.t.Fatal(err)
	}
	return image
}

// busybox starts a world whose image has a shell; more adds to it.
func busybox(t *testing.T, more func(*rootfs)) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("left out by -short: runs a container")
	}
	needs(t, "buildah")
	w := start(t)
	r := newRoot(t)
	if more != nil {
		more(r)
	}
	w.push("ns/nova-compute:1", r.image())
	return w
}

// names are the top layer's files without folders, sorted.
func (w *world) names(text string) []string {
	var all []string
	for name := range w.top(text) {
		if !strings.HasSuffix(name, "/") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func TestDockerfileWithRun(t *testing.T) {
	t.Parallel()
	w := busybox(t, nil)
	w.files(map[string]string{
		"Dockerfile": "FROM any/thing\nUSER root\nCOPY a /etc/a\nRUN id >/etc/id && rm /etc/group && mkdir /opt && echo x >/opt/x\nUSER nova\n",
		"a":          "a",
	})
	p, err := w.apply(w.job("nova-compute:1", nil))
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Modify[0]; i.Executor != modify.Buildah || i.Why != "Dockerfile: line 4: RUN" {
		t.Errorf("it is by %s: %s", i.Executor, i.Why)
	}
	if got, want := w.names("mine/nova-compute:1-x"), []string{"etc/.wh.group", "etc/a", "etc/id", "opt/x"}; !slices.Equal(got, want) {
		t.Errorf("the layer has %q, want %q", got, want)
	}
	if got := w.top("mine/nova-compute:1-x")["etc/id"]; !strings.Contains(got, "uid=0(root)") {
		t.Errorf("it ran as %s", got)
	}
	config := w.config("mine/nova-compute:1-x")
	if config.Config.User != "nova" || config.Config.Labels["modified_append_tag"] != "-x" || config.Config.WorkingDir != "/var" {
		t.Errorf("the configuration is %+v", config.Config)
	}
	before, _ := w.get("mine/nova-compute:1").Layers()
	after, _ := w.get("mine/nova-compute:1-x").Layers()
	one, _ := before[0].Digest()
	if same, _ := after[0].Digest(); len(after) != 2 || same != one {
		t.Error("the image's own layer isn't the same")
	}
	if left, _ := filepath.Glob(w.o.Scratch + "/*"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

func TestFailingRun(t *testing.T) {
	t.Parallel()
	w := busybox(t, nil)
	// Without a runtime for containers, buildah ends with the program, and what that says at its end may get lost.
	w.files(map[string]string{"Dockerfile": "FROM x\nRUN echo because >&2; sleep 2; false\n"})
	_, err := w.apply(w.job("nova-compute:1", nil))
	if err == nil || !strings.Contains(err.Error(), "because") {
		t.Errorf("got %v", err)
	}
	if w.has("mine/nova-compute:1-x") {
		t.Error("there is an image")
	}
}

// TestWhatBuildahRefuses are Dockerfiles that need buildah, and that it can't carry out. The error is its own, with the
// step (buildah loses the rest of it at times), and nothing of this machine gets into an image.
func TestWhatBuildahRefuses(t *testing.T) {
	t.Parallel()
	w := busybox(t, nil)
	if err := os.Symlink("/etc/shadow", filepath.Join(w.context, "out")); err != nil {
		t.Fatal(err)
	}
	for text, c := range map[string]struct{ why, want string }{
		"ADD http://127.0.0.1:1/file /x":              {"line 2: ADD of http://127.0.0.1:1/file", "connection refused"},
		"COPY --from=127.0.0.1:1/no/such:image /x /x": {"line 2: COPY from another stage or image", "127.0.0.1:1/no/such:image"},
		"COPY out /x\nRUN true":                       {"line 3: RUN", `building at STEP "COPY out /x"`},
		"COPY ../../etc/passwd /x\nRUN true":          {"line 3: RUN", "etc/passwd"},
	} {
		w.files(map[string]string{"Dockerfile": "FROM x\n" + text + "\n"})
		w.o.Executor = modify.Native
		_, err := w.apply(w.job("nova-compute:1", nil))
		if err == nil || !strings.Contains(err.Error(), "can't be done without a container: Dockerfile: "+c.why) {
			t.Errorf("%s: without a container: %v", text, err)
		}
		w.o.Executor = ""
		_, err = w.apply(w.job("nova-compute:1", nil))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", text, err, c.want)
		}
		if w.has("mine/nova-compute:1-x") {
			t.Errorf("%s: there is an image", text)
		}
	}
}

func TestWithoutBuildah(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nRUN id\n"})
	w.o.Env = []string{"PATH=" + t.TempDir()}
	p, err := w.apply(w.job("nova-compute:1", nil))
	if !fault.Is(err, fault.NotFound) ||
		!strings.Contains(err.Error(), "modify_image needs buildah, which isn't installed: Dockerfile: line 2: RUN") {
		t.Errorf("got %v", err)
	}
	if p.Modify[0].State != modify.Failed || w.has("mine/nova-compute:1") {
		t.Error("the image was copied although it can't be changed")
	}
	w.o.Executor = modify.Native
	if _, err := w.apply(w.job("nova-compute:1", nil)); err == nil || !strings.Contains(err.Error(), "can't be done without a container") {
		t.Errorf("got %v", err)
	}
}
