//go:build linux

package host_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

// archive makes a tar of entries; a regular file's content is its Linkname.
func archive(t testing.TB, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
			h.Size = int64(len(content))
		}
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func file(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: content}
}

func TestHostileArchive(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte("unharmed"), 0o644); err != nil {
		t.Fatal(err)
	}
	base := t.TempDir()
	dir := filepath.Join(base, "root")
	data := archive(t,
		file("../escape1", "x"), file("a/../../escape2", "x"), file("/absolute", "x"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "out", Linkname: outside}, file("out/escape3", "x"), file("out/victim", "harmed"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "up", Linkname: "../.."}, file("up/escape4", "x"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "tail", Linkname: victim}, file("tail", "harmed"),
		tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "../../../../../../../.." + victim},
	)
	// The last entry has no target inside the root, so the image is broken; all before it stays inside.
	if err := host.Unpack(bytes.NewReader(data), dir, 1<<30); err == nil {
		t.Error("a hard link out of the root was made")
	}
	for _, path := range []string{
		filepath.Join(base, "escape1"), filepath.Join(base, "escape2"), filepath.Join(base, "escape4"),
		filepath.Join(outside, "escape3"), "/absolute",
	} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
	if b, err := os.ReadFile(victim); err != nil || string(b) != "unharmed" {
		t.Errorf("the host's file has %q, %v", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "absolute")); err != nil || string(b) != "x" {
		t.Errorf("an absolute name inside the root has %q, %v", b, err)
	}
	devices := filepath.Join(base, "devices")
	data = archive(t, tar.Header{Typeflag: tar.TypeBlock, Name: "disk", Devmajor: 254},
		tar.Header{Typeflag: tar.TypeChar, Name: "mem", Devmajor: 1, Devminor: 1})
	if err := host.Unpack(bytes.NewReader(data), devices, 1<<30); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"disk", "mem"} {
		if _, err := os.Lstat(filepath.Join(devices, name)); err == nil {
			t.Errorf("device %s was made", name)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, file("../escape", "x"), tar.Header{Typeflag: tar.TypeSymlink, Name: "up", Linkname: "../.."}, file("up/escape", "x")))
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeDir, Name: "d/"}, file("d/a", "a"),
		tar.Header{Typeflag: tar.TypeLink, Name: "b", Linkname: "d/a"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		base := t.TempDir()
		_ = host.Unpack(bytes.NewReader(data), filepath.Join(base, "a", "root"), 1<<20) // most are no archives
		for dir, only := range map[string]string{base: "a", filepath.Join(base, "a"): "root"} {
			entries, err := os.ReadDir(dir)
			if len(entries) > 1 || len(entries) == 1 && entries[0].Name() != only {
				t.Errorf("%s has %v (%v)", dir, entries, err)
			}
		}
	})
}

// TestBomb unpacks little data that is more than the disk holds.
func TestBomb(t *testing.T) {
	t.Parallel()
	var small, many bytes.Buffer
	for b, fill := range map[*bytes.Buffer]func(*tar.Writer) error{
		&small: func(w *tar.Writer) error {
			if err := w.WriteHeader(&tar.Header{Name: "zeros", Mode: 0o644, Size: 64 << 20}); err != nil {
				return err
			}
			_, err := w.Write(make([]byte, 64<<20))
			return err
		},
		&many: func(w *tar.Writer) error {
			for i := range 20_000 {
				if err := w.WriteHeader(&tar.Header{Name: fmt.Sprint(i), Mode: 0o644}); err != nil {
					return err
				}
			}
			return nil
		},
	} {
		z := gzip.NewWriter(b)
		if err := fill(tar.NewWriter(z)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "root")
		err := host.Unpack(b, dir, 16<<20)
		if err == nil || !strings.Contains(err.Error(), "0.0156 GiB of the server's disk") {
			t.Errorf("error %v", err)
		}
		var used int64
		_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, _ error) error {
			if info, err := d.Info(); err == nil && d.Type().IsRegular() {
				used += info.Size() + 1
			}
			return nil
		})
		if used > 16<<20 {
			t.Errorf("%d bytes were written", used)
		}
	}
}

// TestHostileRoot boots from roots that try to lead the agent out of them.
func TestHostileRoot(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	link := func(name string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: outside}
	}
	data := archive(t, link("dev"), link("proc"), link("etc"), link("home"), link("var"))
	p := tryBoot(t, bytes.NewReader(data))
	if p != nil {
		_ = p.run("root", "touch /etc/x /home/x /var/x")
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 0 {
		t.Errorf("the host's folder has %v, %v", entries, err)
	}
}

// tryBoot is boot where the guest may fail to come up; then it answers nil.
func tryBoot(t *testing.T, image io.Reader) *place {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "instance")
	if err := host.Unpack(image, host.Root(dir), 1<<30); err != nil {
		t.Log(err)
		return nil
	}
	g, err := host.Boot(t.Context(), host.Config{Dir: dir, Agent: tool(t, "agent"), UUID: "x", Name: "x"})
	if err != nil {
		t.Log(err)
		return nil
	}
	g.Kill()
	return nil
}

func TestFormats(t *testing.T) {
	t.Parallel()
	plain := archive(t, file("etc/marker", "here"))
	var gz, zst bytes.Buffer
	zw := gzip.NewWriter(&gz)
	ew, err := zstd.NewWriter(&zst)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []io.WriteCloser{zw, ew} {
		if _, err := w.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		data []byte
		want bool
	}{
		"tar": {plain, true}, "tar.gz": {gz.Bytes(), true}, "tar.zst": {zst.Bytes(), true}, "qcow2": {[]byte("QFI\xfb"), false},
		"nothing": {nil, false}, "noise": {bytes.Repeat([]byte{0x1f, 0x8b, 7}, 999), false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "root")
			if err := host.Unpack(bytes.NewReader(c.data), dir, 1<<30); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "etc/marker")); (err == nil) != c.want {
				t.Errorf("the marker: %v", err)
			}
			for _, sub := range []string{"dev", "proc", "tmp", "root"} {
				if st, err := os.Stat(filepath.Join(dir, sub)); err != nil || !st.IsDir() {
					t.Errorf("folder %s: %v", sub, err)
				}
			}
		})
	}
}

// pack answers the names in a root file system's image with what they are.
func pack(t *testing.T, dir string) ([]byte, []string) {
	t.Helper()
	var b bytes.Buffer
	if err := host.Pack(t.Context(), host.Root(dir), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), names(t, b.Bytes())
}

func names(t *testing.T, data []byte) []string {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var list []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %c %o %d:%d %s", h.Name, h.Typeflag, h.Mode, h.Uid, h.Gid, h.Linkname))
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	first := boot(t, bytes.NewReader(archive(t, file("etc/os-release", "NAME=none\n"))), nil)
	first.must("cloud-init status --wait") // which writes files, too
	first.must(`mkdir -p /srv/app/empty && echo data >/srv/app/file && chmod 4750 /srv/app/file && ln /srv/app/file /srv/app/hard && ln -s /nowhere/else /srv/app/soft
		echo secret >/srv/app/shut && chmod 0 /srv/app/shut && mkfifo /srv/app/pipe && echo t >/tmp/t && echo r >/run/r && chmod 1777 /srv/app/empty`)
	if os.Geteuid() == 0 {
		first.must("touch /srv/app/owned && chown 1234:5678 /srv/app/owned && chown -h 1234 /srv/app/soft")
	}
	data, names := pack(t, first.dir)
	again, _ := pack(t, first.dir)
	if !bytes.Equal(data, again) {
		t.Error("packing twice gives different images")
	}
	for _, n := range names {
		for _, not := range []string{"tmp/", "run/", "dev/", "proc/", "bin/"} {
			if strings.HasPrefix(n, not) && !strings.HasPrefix(n, not+" 5") {
				t.Errorf("the image has %s", n)
			}
		}
	}
	var app []string
	for _, n := range names {
		if strings.HasPrefix(n, "srv/app/") && !strings.Contains(n, "owned") && !strings.Contains(n, "soft") {
			app = append(app, n)
		}
	}
	want := []string{
		"srv/app/ 5 755 0:0 ", "srv/app/empty/ 5 1777 0:0 ", "srv/app/file 0 4750 0:0 ",
		"srv/app/hard 1 4750 0:0 srv/app/file", "srv/app/pipe 6 644 0:0 ", "srv/app/shut 0 0 0:0 ",
	}
	if d := cmp.Diff(want, app); d != "" {
		t.Errorf("the image's files (-want +got):\n%s", d)
	}
	if os.Geteuid() == 0 && (!slices.Contains(names, "srv/app/owned 0 644 1234:5678 ") ||
		!slices.Contains(names, "srv/app/soft 2 777 1234:0 /nowhere/else")) {
		t.Errorf("owners are lost: %q", names)
	}

	second := boot(t, bytes.NewReader(data), nil)
	got := second.must("cat /srv/app/file /srv/app/shut; stat -c '%a %h' /srv/app/file; readlink /srv/app/soft; ls /tmp | wc -l")
	if want := "data\nsecret\n4750 2\n/nowhere/else\n0\n"; got != want {
		t.Errorf("the second guest says %q, want %q", got, want)
	}
}

// TestPackWhileRunning packs while somebody swaps a folder and a link that leads out of the root.
func TestPackWhileRunning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	root := host.Root(dir)
	for _, d := range []string{outside, filepath.Join(root, "d")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{filepath.Join(outside, "secret"), filepath.Join(root, "f")} {
		if err := os.WriteFile(f, []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"ld": outside, "lf": filepath.Join(outside, "secret")} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				for a, b := range map[string]string{"d": "ld", "f": "lf"} {
					_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, a), unix.AT_FDCWD, filepath.Join(root, b), unix.RENAME_EXCHANGE)
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	packed := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		var b bytes.Buffer
		if err := host.Pack(t.Context(), root, &b); err != nil {
			t.Fatal(err)
		}
		packed++
		for _, n := range names(t, b.Bytes()) {
			if strings.Contains(n, "secret ") {
				t.Fatalf("a link was followed: %s", n)
			}
		}
	}
	t.Logf("packed %d times", packed)
}
