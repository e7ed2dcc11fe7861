package modify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

func TestDockerfileWithoutContainer(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{
		"Dockerfile": `FROM whatever/it:says
USER root
COPY --chown=nova:kolla --chmod=0640 nova.conf /etc/nova/
COPY tool /bin/tool
COPY root/ /
ENV PATH=/opt/bin:$PATH
LABEL site=test
WORKDIR /srv
USER nova
`,
		"nova.conf": "[DEFAULT]\n", "tool": "#!/bin/sh\n", "root/bin/other": "other", "root/opt/x/y": "y", "root/opt/skip.tmp": "no",
		".dockerignore": "**/*.tmp\n",
	})
	if err := os.Symlink("y", filepath.Join(w.context, "root/opt/x/link")); err != nil {
		t.Fatal(err)
	}
	p, err := w.apply(w.job("nova-compute:1", nil))
	if err != nil {
		t.Fatal(err)
	}
	i := p.Modify[0]
	if i.State != modify.Modified || i.Executor != modify.Native {
		t.Errorf("it is %s by %s: %s", i.State, i.Executor, i.Why)
	}
	if diff := cmp.Diff(map[string]string{
		"etc/":               "5 755 0:0 ",
		"etc/nova/":          "5 750 0:162 ",
		"etc/nova/nova.conf": "0 640 162:42400 [DEFAULT]\n",
		"opt/":               "5 755 0:0 ",
		"opt/x/":             "5 755 0:0 ",
		"opt/x/link":         "2 777 0:0 y",
		"opt/x/y":            "0 644 0:0 y",
		"usr/":               "5 755 0:0 ",
		"usr/bin/":           "5 755 0:0 ",
		"usr/bin/other":      "0 644 0:0 other",
		"usr/bin/tool":       "0 644 0:0 #!/bin/sh\n",
	}, w.top("mine/nova-compute:1-x")); diff != "" {
		t.Error(diff)
	}
	got := w.config("mine/nova-compute:1-x").Config
	digest, _ := w.get("ns/nova-compute:1").Digest()
	if inputs := got.Labels[modify.InputsLabel]; !strings.HasPrefix(inputs, "sha256:") {
		t.Errorf("the label of the inputs is %q", inputs)
	}
	delete(got.Labels, modify.InputsLabel)
	if diff := cmp.Diff(v1.Config{
		User: "nova", WorkingDir: "/srv", Env: []string{"PATH=/opt/bin:/usr/bin"}, Cmd: []string{"nova-compute"},
		Labels: map[string]string{
			"rdo_version": "1", "site": "test", "modified_append_tag": "-x",
			"org.opencontainers.image.base.name": w.host + "/ns/nova-compute", "org.opencontainers.image.base.digest": digest.String(),
		},
	}, got); diff != "" {
		t.Error(diff)
	}
	if w.heard("runs as root") {
		t.Errorf("there is a warning: %q", w.said)
	}
	if copied, _ := w.get("mine/nova-compute:1").Digest(); copied != digest {
		t.Error("the unchanged image isn't there under its own tag")
	}
	if left, _ := filepath.Glob(w.o.Scratch + "/*"); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

// TestSameInputsSameDigest makes an image twice, in two registries.
func TestSameInputsSameDigest(t *testing.T) {
	t.Parallel()
	one, two := start(t), start(t)
	one.files(map[string]string{"Dockerfile": "FROM x\nCOPY a /etc/a\nUSER nova", "a": "a"})
	vars := map[string]any{"modify_dir_path": one.context}
	first, err := one.apply(one.job("nova-compute:1", vars))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = two.apply(two.job("nova-compute:1", vars)); err != nil {
		t.Fatal(err)
	}
	layers := func(w *world) string {
		l, _ := w.get("mine/nova-compute:1-x").Layers()
		d, _ := l[len(l)-1].Digest()
		return d.String()
	}
	if layers(one) != layers(two) {
		t.Error("the layers differ")
	}
	again := one.job("nova-compute:1", vars)
	again.Target = one.parse("mine/again:1-x")
	second, err := one.apply(again)
	if err != nil || first.Modify[0].Digest != second.Modify[0].Digest {
		t.Errorf("the digests differ: %v", err)
	}
}

func TestRootIsWarnedOf(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nUSER nova\nUSER root\nENV a=b\n"})
	if _, err := w.apply(w.job("nova-compute:1", nil)); err != nil {
		t.Fatal(err)
	}
	if !w.heard("warning: "+w.host+"/mine/nova-compute:1-x runs as root, but") || !w.heard("(line 3 of "+w.context+"/Dockerfile): end it with USER nova") {
		t.Errorf("it said %q", w.said)
	}
}

func TestTwiceAndAfterAChange(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nCOPY a /a\nUSER nova", "a": "1"})
	job := w.job("nova-compute:1", nil)
	if w.plan(job).Done() {
		t.Error("there is nothing to do at first")
	}
	if writes := w.writes(); len(writes) > 0 {
		_ = writes // of the test's own push
	}
	if _, err := w.apply(job); err != nil {
		t.Fatal(err)
	}
	w.rule(nil)
	p, err := w.apply(job)
	if err != nil || !p.Done() || len(w.writes()) > 0 || len(p.Images) > 0 {
		t.Errorf("the second time: %v, %v, %q", err, p.Modify[0].State, w.writes())
	}
	if want := "it is there, made from the same image by the same change"; p.Modify[0].Why != want {
		t.Errorf("it says %q", p.Modify[0].Why)
	}
	w.files(map[string]string{"a": "2"})
	if p, err = w.apply(job); err != nil || p.Modify[0].State != modify.Modified {
		t.Errorf("with another file: %v, %v", err, p.Modify[0].State)
	}
	if !strings.Contains(p.Modify[0].Why, "made anew") {
		t.Errorf("it says %q", p.Modify[0].Why)
	}
	if got := w.top("mine/nova-compute:1-x")["a"]; got != "0 644 0:0 2" {
		t.Errorf("the file is %q", got)
	}
}

// TestOthersTagStays has a tag that TripleO made.
func TestOthersTagStays(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nENV a=b"})
	w.push("mine/nova-compute:1-x", image(t, v1.Config{User: "theirs"}))
	w.rule(nil)
	p, err := w.apply(w.job("nova-compute:1", nil))
	if err != nil || !p.Done() || len(w.writes()) > 0 {
		t.Errorf("got %v, %q", err, w.writes())
	}
	if want := "there is such a tag, which something else has made"; p.Modify[0].Why != want {
		t.Errorf("it says %q", p.Modify[0].Why)
	}
}

// TestHostileContexts are refused with the line, and leave no tag.
func TestHostileContexts(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dockerfile, want string
		more             func(folder string) error
	}{
		{"COPY ../../etc/passwd /x", "line 2: ../../etc/passwd leads out of the build context", nil},
		{"COPY a/../../x /x", "leads out of the build context", nil},
		{"COPY link /x", "link: ", func(f string) error { return os.Symlink(secret, filepath.Join(f, "link")) }},
		{"COPY folder/secret /x", "folder/secret: ", func(f string) error { return os.Symlink(filepath.Dir(secret), filepath.Join(f, "folder")) }},
		{"COPY pipe /x", "pipe is neither a file nor a folder", func(f string) error { return syscall.Mkfifo(filepath.Join(f, "pipe"), 0o600) }},
		{"ADD pipe /x", "pipe is neither a file nor a folder", func(f string) error { return syscall.Mkfifo(filepath.Join(f, "pipe"), 0o600) }},
		{"COPY missing /x", "missing isn't in the build context", nil},
		{"COPY up/passwd /x", "up/passwd: ", func(f string) error { return os.Symlink("../../../../../etc", filepath.Join(f, "up")) }},
		{"COPY loop /x", "loop: ", func(f string) error { return os.Symlink("loop", filepath.Join(f, "loop")) }},
		{"COPY --chown=nobody Dockerfile /x", `the image has no user "nobody"`, nil},
		{"COPY Dockerfile /etc/passwd/x", "the image has a file at /etc/passwd", nil},
		{"COPY [\"Dockerfile\", \"a*\", \"/etc/passwd\"]", "has to end in /", nil},
		{"COPY big /x", "more than 16 GiB", func(f string) error {
			if err := os.WriteFile(filepath.Join(f, "big"), nil, 0o600); err != nil {
				return err
			}
			return os.Truncate(filepath.Join(f, "big"), 1<<40)
		}},
	} {
		t.Run(c.dockerfile, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.files(map[string]string{"Dockerfile": "FROM x\n" + c.dockerfile, "a": "a"})
			if c.more != nil {
				if err := c.more(w.context); err != nil {
					t.Fatal(err)
				}
			}
			p, err := modify.NewPlan(t.Context(), w.c, nil, []modify.Job{w.job("nova-compute:1", nil)}, w.o, limits)
			if err == nil {
				err = p.Apply(t.Context(), w)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret\n") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if w.has("mine/nova-compute:1-x") {
				t.Error("there is an image")
			}
		})
	}
}

// TestAContextThatIsALink is the user's own; its links are taken as links.
func TestAContextThatIsALink(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nCOPY folder /opt/", "folder/a": "a"})
	if err := os.Symlink("/etc/shadow", filepath.Join(w.context, "folder/out")); err != nil {
		t.Fatal(err)
	}
	at := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(w.context, at); err != nil {
		t.Fatal(err)
	}
	if _, err := w.apply(w.job("nova-compute:1", map[string]any{"modify_dir_path": at})); err != nil {
		t.Fatal(err)
	}
	top := w.top("mine/nova-compute:1-x")
	if !strings.HasSuffix(top["opt/a"], " a") || !strings.Contains(top["opt/out"], "/etc/shadow") || strings.Contains(top["opt/out"], "root:") {
		t.Errorf("it has %q and %q", top["opt/a"], top["opt/out"])
	}
}

// TestOneFailureDoesNotStopOthers has one image whose user the other lacks.
func TestOneFailureDoesNotStopOthers(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nCOPY --chown=$OWNER a /a\nUSER nova", "a": "a"})
	w.push("ns/nova-api:1", image(t, v1.Config{User: "nova", Env: []string{"OWNER=stranger"}}))
	p, err := w.apply(w.job("nova-api:1", nil), w.job("nova-compute:1", nil), w.job("missing:1", nil))
	if !fault.Is(err, fault.Partial) || !strings.Contains(err.Error(), `the image has no user "stranger"`) ||
		!strings.Contains(err.Error(), "2 of 3 images weren't modified") {
		t.Errorf("got %v", err)
	}
	if !w.has("mine/nova-compute:1-x") || w.has("mine/nova-api:1-x") {
		t.Errorf("the images are %v", states(p))
	}
}

func states(p *modify.Plan) (all []string) {
	for _, i := range p.Modify {
		all = append(all, fmt.Sprintf("%s %s", i.Source.Base(), i.State))
	}
	return all
}

// TestOCIImagesStayOCI has a base whose manifest is OCI's.
func TestOCIImagesStayOCI(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.files(map[string]string{"Dockerfile": "FROM x\nCOPY a /etc/a", "a": "a"})
	base := image(t, v1.Config{})
	layers, err := base.Layers()
	if err != nil {
		t.Fatal(err)
	}
	oci := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if oci, err = mutate.Append(oci, mutate.Addendum{Layer: layers[0], MediaType: types.OCILayer}); err != nil {
		t.Fatal(err)
	}
	w.push("ns/nova-compute:1", oci)
	if _, err := w.apply(w.job("nova-compute:1", nil)); err != nil {
		t.Fatal(err)
	}
	m, err := w.get("mine/nova-compute:1-x").Manifest()
	if err != nil {
		t.Fatal(err)
	}
	kinds := []types.MediaType{m.MediaType, m.Config.MediaType, m.Layers[0].MediaType, m.Layers[1].MediaType}
	want := []types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer, types.OCILayer}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}
