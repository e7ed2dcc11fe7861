package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// fetchByHand brings an image from a web server in the way of scripts.
const fetchByHand = `set -e
cd "$WORK"
curl -sSO "$STORE/disk.raw"
curl -sSO "$STORE/SHA256SUMS"
sha256sum --quiet -c SHA256SUMS
openstack --os-cloud admin image create --disk-format raw --container-format bare --file disk.raw disk
rm disk.raw
`

const (
	syncShare   = 0.6 // of the peer's time, at most
	idleImages  = 10
	idleTime    = time.Second
	idleAnswers = 2 // requests of an image that is up to date
)

// syncing measures imgctl sync with an image of so many MiB against curl, sha256sum and the openstack client, and with
// images that are up to date.
func syncing(ctx context.Context, mib int) (string, error) {
	cloud, err := sandbox.Start(ctx, sandbox.Options{})
	if err != nil {
		return "", err
	}
	defer cloud.Close()
	w, err := newShell(cloud)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(w.home)
	if _, err := w.timed(ctx, "imgctl", "--help"); err != nil { // fills the cache of manifests
		return "", err
	}
	store := filepath.Join(w.home, "store")
	server := httptest.NewServer(http.FileServer(http.Dir(store)))
	defer server.Close()
	w.env = append(w.env, "STORE="+server.URL, "WORK="+w.home)
	if err := fill(ctx, store, mib); err != nil {
		return "", err
	}
	fmt.Fprintf(os.Stderr, "an image of %d MiB from a web server\n", mib)
	rows, err := oneImage(ctx, w, server.URL)
	if err != nil {
		return "", err
	}
	idle, err := upToDate(ctx, cloud, w)
	if err != nil {
		return "", err
	}
	return render(fmt.Sprintf("sync of an image of %d MiB", mib), "curl, sha256sum, openstack client", append(rows, idle...)), nil
}

// fill makes a store with one image.
func fill(ctx context.Context, store string, mib int) error {
	if err := os.MkdirAll(store, 0o700); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(store, "disk.raw"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(int64(mib) << 20); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "bash", "-c", "cd "+store+" && sha256sum disk.raw >SHA256SUMS")
	return cmd.Run()
}

func oneImage(ctx context.Context, w *shell, address string) ([]row, error) {
	policy := filepath.Join(w.home, "sync.yaml")
	text := "version: 1\nstores:\n  - distribution: {checksums: " + address + "/SHA256SUMS, images: [{file: disk.raw, name: synced}]}\n"
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		return nil, err
	}
	var rows []row
	theirs, err := w.timed(ctx, "bash", "-c", fetchByHand)
	if err != nil {
		return nil, fmt.Errorf("by hand: %w", err)
	}
	cmd := exec.CommandContext(ctx, "bin/imgctl", "--os-cloud", "admin", "sync", "apply", "--policy", policy)
	cmd.Env = w.env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	ours := time.Since(start)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	rows = append(rows, row{"one image", theirs.Seconds(), ours.Seconds(), "s", syncShare * theirs.Seconds()})
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok { // of the plugin, too: imgctl waits for it
		rows = append(rows,
			row{"memory of the process that took most", 0, mib(usage.Maxrss << 10), "MiB", 64},
			row{"written to disk on the way", 0, mib(usage.Oublock * 512), "MiB", 1})
	}
	return rows, nil
}

// upToDate measures a run that has nothing to do.
func upToDate(ctx context.Context, cloud *sandbox.Cloud, w *shell) ([]row, error) {
	folder := filepath.Join(w.home, "many")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for n := range idleImages {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("disk-%d.raw", n)), fmt.Appendf(nil, "disk %d", n), 0o600); err != nil {
			return nil, err
		}
	}
	policy := filepath.Join(w.home, "many.yaml")
	if err := os.WriteFile(policy, []byte("version: 1\nstores:\n  - folder: {path: many}\n"), 0o600); err != nil {
		return nil, err
	}
	args := []string{"--os-cloud", "admin", "sync", "apply", "--policy", policy, "--insecure-no-checksum"}
	if _, err := w.timed(ctx, "imgctl", args...); err != nil {
		return nil, err
	}
	cloud.ResetRequests()
	took, err := w.timed(ctx, "imgctl", args...)
	if err != nil {
		return nil, err
	}
	requests := 0
	for _, r := range cloud.Requests() {
		if !strings.HasPrefix(r.Path, "/identity/") {
			requests++
		}
	}
	return []row{
		{fmt.Sprintf("%d images that are up to date", idleImages), 0, took.Seconds(), "s", idleTime.Seconds()},
		{"requests to the cloud for those", 0, float64(requests), "", idleImages * idleAnswers},
	}, nil
}

func syncingAlone(ctx context.Context, mib int) error {
	table, err := syncing(ctx, mib)
	fmt.Print(table)
	return err
}
