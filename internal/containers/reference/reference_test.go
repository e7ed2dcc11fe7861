package reference_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
)

func TestParse(t *testing.T) {
	t.Parallel()
	sum := strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string]reference.Reference{
		"docker.io/namespace/foo:bar":            {Host: "docker.io", Path: "namespace/foo", Tag: "bar"},
		"docker://docker.io/namespace/foo:bar":   {Host: "docker.io", Path: "namespace/foo", Tag: "bar"},
		"192.0.2.0:8787/t/foo":                   {Host: "192.0.2.0:8787", Path: "t/foo"},
		"192.0.2.0:8787/t/foo:x":                 {Host: "192.0.2.0:8787", Path: "t/foo", Tag: "x"},
		"[fd12::1]:8787/t/foo:x":                 {Host: "[fd12::1]:8787", Path: "t/foo", Tag: "x"},
		"mylocal/foo:x":                          {Path: "mylocal/foo", Tag: "x"},
		"localhost/foo":                          {Host: "localhost", Path: "foo"},
		"quay.io/a/b@sha256:" + sum:              {Host: "quay.io", Path: "a/b", Digest: "sha256:" + sum},
		"quay.io/a/b:t@sha256:" + sum:            {Host: "quay.io", Path: "a/b", Tag: "t", Digest: "sha256:" + sum},
		"centos":                                 {Path: "centos"},
		"registry.example/a__b/c---d.e:V1.2-x_y": {Host: "registry.example", Path: "a__b/c---d.e", Tag: "V1.2-x_y"},
	} {
		got, err := reference.Parse(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again := strings.TrimPrefix(text, "docker://"); got.String() != again {
			t.Errorf("%s becomes %s", text, got)
		}
	}
}

func TestNoReference(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", ":", "/", "a//b", "a/../b", "../a", "quay.io/../a", "quay.io/a:..", "A/b", "quay.io/a b", "quay.io/a\x00", "quay.io/a\n",
		"quay.io/a:",
		"quay.io/a@sha256:12", "quay.io/a@md5:" + strings.Repeat("0", 32), "http://quay.io/a", "user@quay.io/a", "quay.io:port/a",
		"-.io/a",
		strings.Repeat("a", 513), "quay.io/" + strings.Repeat("a/", 200) + "b", "containers-storage:docker.io/t/foo:x",
		"quay.io/a:" + strings.Repeat("t", 129),
		"quay.io/\u202ea", "quay.io/.a", "quay.io/a-",
	} {
		if got, err := reference.Parse(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

// What TripleO's own uploads are called, and what it got wrong: a registry's port isn't a tag.
func TestDestinations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ image, to, want string }{
		{"docker.io/namespace/foo:bar", "127.0.0.1:8787", "127.0.0.1:8787/namespace/foo:bar"},
		{"docker.io/namespace/foo:bar", "127.0.0.1:8787/", "127.0.0.1:8787/namespace/foo:bar"},
		{"docker.io/namespace/foo:bar", "127.0.0.1:8787/mirror/a", "127.0.0.1:8787/mirror/a/namespace/foo:bar"},
		{"192.0.2.0:8787/t/foo", "127.0.0.1:8787", "127.0.0.1:8787/t/foo"},
		{"mylocal/foo:x", "192.168.24.1:8787", "192.168.24.1:8787/mylocal/foo:x"},
	} {
		image, err := reference.Parse(c.image)
		if err != nil {
			t.Fatal(err)
		}
		to, err := reference.ParseDestination(c.to)
		if err != nil {
			t.Fatal(err)
		}
		if got := to.Of(image).String(); got != c.want {
			t.Errorf("%s at %s is %s, not %s", c.image, c.to, got, c.want)
		}
	}
	for _, to := range []string{"", "/", "a b", "host/../x", "host/A"} {
		if got, err := reference.ParseDestination(to); err == nil {
			t.Errorf("%q is taken as %+v", to, got)
		}
	}
}

func TestDockerHub(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"centos": "docker.io library/centos latest", "docker.io/centos:7": "docker.io library/centos 7", "t/foo": "docker.io t/foo latest",
		"quay.io/foo": "quay.io foo latest",
	} {
		r, err := reference.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Registry() + " " + r.Repository() + " " + r.Identifier(); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"docker.io/a/b:c", "a@sha256:" + strings.Repeat("a", 64), "[::1]:5000/a", "a/../b", "a:b:c", "0:dd.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := reference.Parse(text)
		if err != nil {
			return
		}
		if slices.Contains(strings.Split(r.String(), "/"), "..") || strings.ContainsAny(r.String(), " \t\r\n\x00\\?#%") {
			t.Errorf("%q gives %q", text, r)
		}
		again, err := reference.Parse(r.String())
		if err != nil || again != r {
			t.Errorf("%q gives %+v, which gives %+v, %v", text, r, again, err)
		}
	})
}
