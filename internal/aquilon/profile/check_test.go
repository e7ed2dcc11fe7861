package profile

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// client speaks to a sandbox as the project demo, which has the image sl7.
func client(t *testing.T) (*sandbox.Cloud, *glance.Client) {
	t.Helper()
	s := sandboxtest.Start(t, sandbox.Options{})
	if _, err := s.AddImage(sandbox.Image{
		Project: "demo", Data: []byte("x"), ID: sl7, Name: "sl7", Visibility: "private",
		DiskFormat: "raw",
	}); err != nil {
		t.Fatal(err)
	}
	c := cloudtest.Connect(t, s.CloudsYAML(), "demo")
	images, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	return s, glance.New(images)
}

// folder writes files by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVerify(t *testing.T) {
	t.Parallel()
	s, images := client(t)
	if err := Verify(t.Context(), images, sl7); err != nil {
		t.Error(err)
	}
	wantError(t, Verify(t.Context(), images, sl6), fault.NotFound, sl6, "correct it in the source images")
	if err := images.Deactivate(t.Context(), sl7); err != nil {
		t.Fatal(err)
	}
	wantError(t, Verify(t.Context(), images, sl7), fault.Conflict, "its status is deactivated")
	s.Faults().Add(sandbox.Rule{Path: "/image/**", Fault: sandbox.Fault{Do: sandbox.Answer, Status: http.StatusForbidden}})
	wantError(t, Verify(t.Context(), images, sl7), fault.Forbidden)
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	s, images := client(t)
	dir := folder(t, map[string]string{
		"profiles/a-good.cloud.json":      profile("web", "sl", "7x", "", prod),
		"profiles/b-again.cloud.json":     profile("web", "sl", "7x", "", prod),
		"profiles/c-gone.cloud.json":      profile("web", "sl", "6x", "", prod),
		"profiles/d-unknown.cloud.json":   profile("web", "sl", "8x", "", prod),
		"profiles/e-broken.cloud.json":    "{",
		"profiles/f-templates.cloud.json": profile("odd", "sl", "7x", "", prod),
		"profiles/other.json":             "not matched",
		"profiles/g.cloud.json/x":         "a folder",
		"profiles/README":                 "not a profile",
		"template-map.json":               `{"DEFAULT": ["web.json"], "odd-sl7x-x86_64": ["web.json", "none.json"]}`,
		"web.json":                        "{}",
		"source-images.json":              `{"sl6x-x86_64": "` + sl6 + `", "sl7x-x86_64": "` + sl7 + `"}`,
	})
	o := CheckOptions{
		Folder: filepath.Join(dir, "profiles"), Match: ".cloud.",
		TemplateMap: filepath.Join(dir, "template-map.json"), SourceImages: filepath.Join(dir, "source-images.json"),
	}
	findings, err := Check(t.Context(), images, o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a-good.cloud.json":      "",
		"b-again.cloud.json":     `a-good.cloud.json builds "sl7x-x86_64 web" already`,
		"c-gone.cloud.json":      sl6,
		"d-unknown.cloud.json":   `did you mean "sl6x-x86_64" or "sl7x-x86_64"?`,
		"e-broken.cloud.json":    "e-broken.cloud.json:1:2: the document ends too early",
		"f-templates.cloud.json": "none.json: no such file",
	}
	got := map[string]Finding{}
	for _, f := range findings {
		got[f.File] = f
	}
	if a, b := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(a, b) {
		t.Errorf("found %v, want %v", a, b)
	}
	for file, text := range want {
		switch err := got[file].Err; {
		case text == "" && err != nil, text != "" && (err == nil || !strings.Contains(err.Error(), text)):
			t.Errorf("%s: %v, want %q", file, err, text)
		}
	}

	wantError(t, Outcome(findings), fault.Partial, "checking 6 profiles: 5 can't be built")
	wantError(t, Outcome(findings[2:3]), fault.NotFound, "checking 1 profiles: 1 can't be built")
	if err := Outcome(findings[:1]); err != nil {
		t.Errorf("a good profile: %v", err)
	}

	before := len(s.Requests())
	o.SkipTemplates = true
	findings, err = Check(t.Context(), nil, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if slices.Contains([]string{"a-good.cloud.json", "c-gone.cloud.json", "f-templates.cloud.json"}, f.File) != (f.Err == nil) {
			t.Errorf("without cloud and templates %s: %v", f.File, f.Err)
		}
	}
	if n := len(s.Requests()) - before; n > 0 {
		t.Errorf("%d requests without a cloud", n)
	}
}

func TestCheckNeedsItsFiles(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"p.json": profile("web", "sl", "7x", "", prod), "bad": "["})
	for name, c := range map[string]struct {
		o    CheckOptions
		kind fault.Kind
		want string
	}{
		"no folder": {CheckOptions{Folder: filepath.Join(dir, "none")}, fault.NotFound, "listing the profiles in"},
		"nothing matches": {
			CheckOptions{Folder: dir, Match: "zz"},
			fault.NotFound,
			`none found; profile files must end with .json and contain "zz"`,
		},
		"no template map": {CheckOptions{Folder: dir, TemplateMap: filepath.Join(dir, "none")}, fault.NotFound, "none: no such file"},
		"bad source images": {
			CheckOptions{Folder: dir, SourceImages: filepath.Join(dir, "bad")},
			fault.Usage,
			"bad:1:2: the document ends too early",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Check(t.Context(), nil, c.o)
			wantError(t, err, c.kind, c.want)
		})
	}
}
