package queue_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// There are profiles in the queue, which are nobody else's business; also in one that an older version has made.
func TestTheFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(string) error{
		"new": func(string) error { return nil },
		"old": func(path string) error { return errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, 0o606)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "queue.db")
			if err := prepare(path); err != nil {
				t.Fatal(err)
			}
			q, err := queue.OpenFile(t.Context(), path, queue.Policy{})
			if err != nil {
				t.Fatal(err)
			}
			defer q.Close()
			if err := q.Publish(t.Context(), queue.Message{ID: "1", Body: []byte("secret")}); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{path, path + "-wal", path + "-shm"} {
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v %v", filepath.Base(file), info.Mode(), err)
				}
			}
		})
	}
}

func TestLookingMakesNoQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "folder", "queue.db")
	_, err := queue.OpenExisting(t.Context(), path, queue.Policy{})
	if !errors.Is(err, queue.ErrNone) || !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("there is a folder")
	}
	nothing, err := queue.Nothing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	if c, err := nothing.Count(t.Context()); err != nil || c.Ready != 0 {
		t.Errorf("%+v %v", c, err)
	}
	q, err := queue.OpenFile(t.Context(), path, queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	looks, err := queue.OpenExisting(t.Context(), path, queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	_ = looks.Close()
}

// What is written to a file that has no name any more is lost, and nobody reads it.
func TestARemovedFileIsNoQueue(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "queue.db")
	q, err := queue.OpenFile(t.Context(), path, queue.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	consumed := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	go func() { consumed <- q.Consume(ctx, 1, func(context.Context, queue.Delivery) {}) }()
	if _, err := q.Count(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	other, err := queue.OpenFile(t.Context(), path, queue.Policy{}) // another one in its place is another queue
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	_, counted := q.Count(t.Context())
	for what, err := range map[string]error{
		"count": counted, "publish": q.Publish(t.Context(), queue.Message{ID: "1"}), "consume": <-consumed,
	} {
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
