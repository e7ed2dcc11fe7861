package registry

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	client "github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// onItsOwnDisk is a command that has a small disk at the folder, which only it sees.
func onItsOwnDisk(t *testing.T, dir, size string, words []string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a process a small disk")
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("there is no unshare to give a process a small disk")
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), unshare, "-m", "mount", "-t", "tmpfs", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("no process can have a disk for itself here: %v: %s", err, out)
	}
	script := `mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"`
	return append([]string{unshare, "-m", "sh", "-c", script, "sh", size, dir}, words...)
}

// A registry whose disk is full fails the image that doesn't fit, and no other.
func TestARegistryWithAFullDisk(t *testing.T) {
	t.Parallel()
	from, to := start(t, settings{}), start(t, settings{disk: "6m"})
	large := from.fill(t, 1, 8_000_000)[0]
	c, err := client.New(client.Options{Retries: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	small := from.push(t, "ns/small:1", 10_000)
	// On a full disk nothing can be stored: the large image comes when the small one is there.
	host := after(t, from, "/ns/image-0/blobs/", func() bool {
		resp, err := http.Head("http://" + to.host + "/v2/ns/small/manifests/1")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	})
	source, err := reference.Parse(host + "/" + large)
	if err != nil {
		t.Fatal(err)
	}
	other, err := reference.Parse(host + "/" + small)
	if err != nil {
		t.Fatal(err)
	}
	var jobs []transfer.Job
	for _, r := range []reference.Reference{source, other} {
		target := r
		target.Host = to.host
		jobs = append(jobs, transfer.Job{Source: r, Target: target})
	}
	plan, err := transfer.NewPlan(t.Context(), transfer.Registries(c), jobs, transfer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = plan.Apply(t.Context(), report.Discard)
	if !fault.Is(err, fault.Partial) || plan.Images[0].State != transfer.Failed || plan.Images[1].State != transfer.Copied {
		t.Errorf("%v; %s, %s", err, plan.Images[0].State, plan.Images[1].State)
	}
	same(t, small, from, to)
}

// after is the host of a proxy before the registry that holds requests for a path until something is true.
func after(t *testing.T, r *registry, path string, is func() bool) (host string) {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.host})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		for deadline := time.Now().Add(time.Minute); strings.Contains(q.URL.Path, path) && !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Error("it doesn't become true")
				break
			}
		}
		proxy.ServeHTTP(w, q)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// asFiller is set in a process that copies to a folder whose disk is full: DIR IMAGE.
const asFiller = "IMGCTL_TEST_FULL"

func TestAFolderWithAFullDisk(t *testing.T) {
	t.Parallel()
	from := start(t, settings{})
	path := from.fill(t, 1, 3_000_000)[0]
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	words := onItsOwnDisk(t, dir, "8m", []string{self})
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Env = []string{asFiller + "=" + dir + " " + from.host + "/" + path, "PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// fillAndCopy copies to a disk that is full: as its plan sees, and after it was planned. When there is
// room again, the next run completes it.
func fillAndCopy(ctx context.Context, dir, image string) error {
	source, err := reference.Parse(image)
	if err != nil {
		return err
	}
	c, err := client.New(client.Options{})
	if err != nil {
		return err
	}
	defer c.Close()
	plan := func() (*transfer.Plan, *imageserve.Folder, error) {
		f, err := imageserve.Create(filepath.Join(dir, "images"), false)
		if err != nil {
			return nil, nil, err
		}
		s := transfer.Stores{Registries: c, Folders: map[string]transfer.Folder{"folder": imageserve.Images{Folder: f}}}
		p, err := transfer.NewPlan(ctx, s, []transfer.Job{{Source: source, Target: source, TargetFolder: "folder"}}, transfer.Options{})
		return p, f, err
	}
	ballast := filepath.Join(dir, "ballast")
	p, first, err := plan()
	if err != nil {
		return err
	}
	defer first.Close()
	if err := os.WriteFile(ballast, make([]byte, 6_500_000), 0o600); err != nil {
		return err
	}
	if err := p.Apply(ctx, report.Discard); !fault.Is(err, fault.Quota) || !strings.Contains(err.Error(), "free") {
		return fmt.Errorf("before anything is written: %w", err)
	}
	if err := os.WriteFile(ballast, nil, 0o600); err != nil {
		return err
	}
	f, err := imageserve.Open(filepath.Join(dir, "images"))
	if err != nil {
		return err
	}
	// The plan looked while there was room; the disk fills up meanwhile.
	full := &filling{Images: imageserve.Images{Folder: f}, ballast: ballast}
	s := transfer.Stores{Registries: c, Folders: map[string]transfer.Folder{"folder": full}}
	job := transfer.Job{Source: source, Target: source, TargetFolder: "folder"}
	if p, err = transfer.NewPlan(ctx, s, []transfer.Job{job}, transfer.Options{}); err != nil {
		return err
	}
	if err := p.Apply(ctx, report.Discard); !fault.Is(err, fault.Quota) || !strings.Contains(err.Error(), "no space left") {
		return fmt.Errorf("while it is written: %w", err)
	}
	if tags, err := f.Tags(source.Path); err == nil && len(tags) > 0 {
		return fmt.Errorf("there are tags: %v", tags)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "images/v2", source.Path, "blobs/.*")); len(left) > 0 {
		return fmt.Errorf("halves are left: %v", left)
	}
	f.Close()
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if p, f, err = plan(); err != nil {
		return err
	}
	defer f.Close()
	if err := p.Apply(ctx, report.Discard); err != nil {
		return err
	}
	checked, err := f.Check(ctx, true)
	if err != nil || len(checked) != 1 || checked[0].Err != nil {
		return fmt.Errorf("%d tags, %w", len(checked), err)
	}
	return nil
}

// filling fills the disk as soon as its space was looked at.
type filling struct {
	imageserve.Images
	ballast string
}

// Free tells what is free, and takes it.
func (f *filling) Free() (int64, error) {
	free, err := f.Images.Free()
	if err != nil {
		return 0, err
	}
	return free, os.WriteFile(f.ballast, make([]byte, free-1_000_000), 0o600)
}
