package usage_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const anID = "0b5a1f0e-6f4c-4f0b-8a55-0f7a3c1f9c01"

func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "refs")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever language a file has, the images in it are found by id and by name.
func TestRefsFiles(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	for name, text := range map[string]string{
		"terraform": "data \"openstack_images_image_v2\" \"x\" {\n  name = \"Ubuntu 22.04\"\n}\nimage_id = \"" + anID + "\"\nother = \"debian-12\"\n",
		"regex":     "name_regex = \"^Ubuntu 2[0-9]\"\nid: " + strings.ToUpper(anID) + "\nx: debian-12",
		"nodepool":  "labels:\n  - name: x\n    cloud-image: Ubuntu 22.04\n    image-id: " + anID + "\n    flavor: [debian-12]\n",
		"jjb":       "- image: 'Ubuntu 22.04'\n- builder:\n    - debian-12\n- " + anID,
		"packer":    "source_image_name=\"Ubuntu 22.04\"\nurl = \"glance://" + anID + "\"\nrun = [\"boot debian-12\"]\n",
		"windows":   "\ufeffimage: Ubuntu 22.04\r\nid: " + anID + "\r\nimage: debian-12\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := usage.Collect(t.Context(), []*cloud.Cloud{admin}, usage.Options{RefsFiles: []string{file(t, text)}})
			if err != nil {
				t.Fatal(err)
			}
			for _, img := range []*glance.Image{{ID: "1", Name: "Ubuntu 22.04"}, {ID: anID}, {ID: "2", Name: "debian-12"}} {
				uses := x.Of(img)
				if len(uses) != 1 || uses[0].Kind != usage.File || !strings.HasPrefix(uses[0].Evidence, "line ") {
					t.Errorf("%q %s: %v", img.Name, img.ID, uses)
				}
			}
			if uses := x.Of(&glance.Image{ID: "3", Name: "nothing of it"}); len(uses) != 0 {
				t.Error(uses)
			}
		})
	}
}

func TestAlsoInUse(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	path := file(t, "# edge sites\n\n  Ubuntu 22.04  \n"+anID+"\n#"+anID+"\n")
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	x, err := usage.Collect(t.Context(), []*cloud.Cloud{admin}, usage.Options{AlsoInUse: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	for img, line := range map[*glance.Image]string{{Name: "Ubuntu 22.04"}: "line 3", {ID: anID}: "line 4"} {
		if uses := x.Of(img); len(uses) != 1 || uses[0].ID != path || uses[0].Evidence != line {
			t.Errorf("%v, want %s", uses, line)
		}
	}
	if uses := x.Of(&glance.Image{Name: "Ubuntu"}); len(uses) != 0 {
		t.Errorf("a part of a name: %v", uses)
	}
	if s := stateOf(t, x, usage.File); s.State != usage.Read || s.Uses != 2 || s.Detail != path {
		t.Errorf("%+v", s)
	}
}

// A pattern that Go doesn't know is said to be left out.
func TestUnknownPattern(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	path := file(t, "name = \"web\"\nname_regex = \"(?<!x)y\"\n")
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	x, err := usage.Collect(t.Context(), []*cloud.Cloud{admin}, usage.Options{RefsFiles: []string{path}})
	if err != nil {
		t.Fatal(err)
	}
	if s := stateOf(t, x, usage.File); s.State != usage.Limited || !strings.Contains(s.Detail, "[2]") {
		t.Errorf("%+v", s)
	}
}

// No file may hang, fill the memory or pass for one that names nothing. Nobody is asked before it is read.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t)
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	sb.ResetRequests()
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, 1<<40); err != nil { // a hole, which costs nothing
		t.Fatal(err)
	}
	var names strings.Builder
	for n := range 200_100 {
		names.WriteString("n" + strings.Repeat("x", n%7) + string(rune('0'+n%10)) + strings.Repeat("y", n/10%9) + string(rune(0x4e00+n/90%20000)) + "\n")
	}
	for name, path := range map[string]string{
		"empty":         file(t, ""),
		"comments only": file(t, "# nothing\n\n"),
		"binary":        file(t, "\x7fELF\x00\x01"),
		"not UTF-8":     file(t, "image: \xff\xfe"),
		"a long line":   file(t, strings.Repeat("x", 2<<20)),
		"many names":    file(t, names.String()),
		"many lines":    file(t, strings.Repeat("# x\n", 5<<20)),
		"huge":          huge, "folder": dir, "pipe": fifo, "device": "/dev/zero", "nothing": dir + "/nothing", "no path": " ",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := usage.Collect(t.Context(), []*cloud.Cloud{admin}, usage.Options{AlsoInUse: []string{path}})
			if !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(), "also_in_use") {
				t.Errorf("%v", err)
			}
		})
	}
	if r := sb.Requests(); len(r) != 0 {
		t.Errorf("%d requests", len(r))
	}
}

// Reading any text ends, and finds the id that is put into it.
func FuzzRefsFile(f *testing.F) {
	for _, s := range []string{"name = \"x\"", "a: 'b'\n- c", "regex: (", "\x00", "::::====", "- - - -", `"`, "name_regex = \"(?P<x\""} {
		f.Add(s)
	}
	sb := sandboxtest.Start(f)
	admin, err := cloudtest.Open(f.Context(), sb.CloudsYAML(), "admin")
	if err != nil {
		f.Fatal(err)
	}
	defer admin.Close()
	ctx := f.Context()
	f.Fuzz(func(t *testing.T, text string) {
		x, err := usage.Collect(ctx, []*cloud.Cloud{admin}, usage.Options{RefsFiles: []string{file(t, anID+"\n"+text)}})
		if err != nil {
			if !fault.Is(err, fault.Usage) {
				t.Error(err)
			}
			return
		}
		if len(x.Of(&glance.Image{ID: anID})) == 0 {
			t.Error("the id isn't found")
		}
	})
}
