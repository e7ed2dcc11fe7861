package cinder_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/backups"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/apitest"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/service/cinder"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func newVolume(t *testing.T, client *gophercloud.ServiceClient) string {
	t.Helper()
	v, err := volumes.Create(t.Context(), client, volumes.CreateOpts{Size: 1}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	volumeIn(t, client, v.ID, cinder.Available)
	return v.ID
}

func TestBackups(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{})
	client, reader := apitest.VolumeClient(t, c, "demo"), apitest.VolumeClient(t, c, "reader")
	id := newVolume(t, client)
	if _, err := backups.Create(t.Context(), reader, backups.CreateOpts{VolumeID: id}).Extract(); !gophercloud.ResponseCodeIs(err,
		http.StatusForbidden) {
		t.Errorf("a reader's backup: %v", err)
	}
	if _, err := backups.Create(t.Context(), client, backups.CreateOpts{VolumeID: "nobody"}).Extract(); !gophercloud.ResponseCodeIs(err,
		http.StatusNotFound) {
		t.Errorf("a backup of nothing: %v", err)
	}
	b, err := backups.Create(t.Context(), client, backups.CreateOpts{VolumeID: id, Name: "nightly", Description: "d"}).Extract()
	if err != nil {
		t.Fatal(err)
	}
	apitest.Eventually(t, "the backup", func() bool {
		b, err = backups.Get(t.Context(), client, b.ID).Extract()
		return err == nil && b.Status == cinder.Available
	})
	if b.Name != "nightly" || b.VolumeID != id || b.Size != 1 || b.Description != "d" || b.Container == "" || b.CreatedAt.IsZero() {
		t.Errorf("%+v", b)
	}
	// Cinder lets a volume go that has backups.
	if err := volumes.Delete(t.Context(), client, id, nil).ExtractErr(); err != nil {
		t.Error(err)
	}
	made, err := backups.RestoreFromBackup(t.Context(), client, b.ID, backups.RestoreOpts{Name: "again"}).Extract()
	if err != nil || made.BackupID != b.ID {
		t.Fatalf("restoring: %+v, %v", made, err)
	}
	volumeIn(t, client, made.VolumeID, cinder.Available)

	admin := apitest.VolumeClient(t, c, "admin")
	admin.Microversion = "3.18"
	for _, tt := range []struct {
		as      *gophercloud.ServiceClient
		all     bool
		project string
		n       int
	}{{client, false, "", 1}, {client, true, "", 1}, {admin, false, "", 0}, {admin, true, c.ProjectID("demo"), 1}} {
		pages, err := backups.ListDetail(tt.as, backups.ListDetailOpts{AllTenants: tt.all}).AllPages(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := backups.ExtractBackups(pages)
		if err != nil || len(found) != tt.n || tt.n > 0 && found[0].ProjectID != tt.project {
			t.Errorf("%+v: %+v, %v", tt, found, err)
		}
	}
	other := apitest.VolumeClient(t, c, "other")
	if _, err := backups.Get(t.Context(), other, b.ID).Extract(); !gophercloud.ResponseCodeIs(err, http.StatusNotFound) {
		t.Errorf("as another project: %v", err)
	}
	if err := backups.Delete(t.Context(), client, b.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	apitest.Eventually(t, "the backup's end", func() bool {
		_, err := backups.Get(t.Context(), client, b.ID).Extract()
		return gophercloud.ResponseCodeIs(err, http.StatusNotFound)
	})
}

// Lists come in pages, newest first, and each object once.
func TestSnapshotPages(t *testing.T) {
	t.Parallel()
	c := sandboxtest.Start(t, sandbox.Options{VolumeQuotas: sandbox.VolumeQuotas{MaxPage: 2}})
	client := apitest.VolumeClient(t, c, "demo")
	id := newVolume(t, client)
	var want []string
	for n := range 5 {
		s, err := snapshots.Create(t.Context(), client, snapshots.CreateOpts{VolumeID: id, Name: fmt.Sprint(n)}).Extract()
		if err != nil {
			t.Fatal(err)
		}
		want = append([]string{s.ID}, want...)
	}
	var got []string
	pages := 0
	list := snapshots.ListDetail(client, snapshots.ListOpts{})
	err := list.EachPage(t.Context(), func(_ context.Context, p pagination.Page) (bool, error) {
		all, err := snapshots.ExtractSnapshots(p)
		pages++
		for _, s := range all {
			got = append(got, s.ID)
		}
		return true, err
	})
	if err != nil || !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%d pages: %v, %v; want %v", pages, got, err, want)
	}
	raw := apitest.Login(t, c, "demo")
	for query, want := range map[string]int{"?limit=1": 1, "?name=3": 1, "?volume_id=" + id: 2, "?volume_id=x": 0, "?offset=4": 1} {
		found, _ := raw.Do("GET", "/volume/v3/snapshots"+query, nil).Want(t, http.StatusOK).JSON["snapshots"].([]any)
		if len(found) != want {
			t.Errorf("%s: %d, want %d", query, len(found), want)
		}
	}
}
