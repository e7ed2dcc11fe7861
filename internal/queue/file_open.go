package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ErrNone is that there is no queue in a file yet.
var ErrNone = errors.New("there is no queue yet")

// OpenFile opens the queue in a file, and makes the file if need be. Several processes may have it open.
func OpenFile(ctx context.Context, path string, p Policy) (Queue, error) {
	if path == "" {
		return nil, fault.New(fault.Usage, "", "the queue's file has an empty name")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the queue: %w", err)
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("making the queue: %w", err)
	}
	return open(ctx, path, p)
}

// OpenExisting is OpenFile for those who only look: without the file, the error is an ErrNone.
func OpenExisting(ctx context.Context, path string, p Policy) (Queue, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Unavailable, "", "%w: the first request makes %s", ErrNone, path)
	}
	return open(ctx, path, p)
}

// Nothing is an empty queue, for those who look at one that isn't there yet. What is added to it is lost with it.
func Nothing(ctx context.Context) (Queue, error) { return open(ctx, "", Policy{}) }

var making sync.Mutex

// private makes the file, or takes it from other users: there are profiles in it. SQLite gives the files beside it the
// same mode. An existing file isn't opened, since closing it would end the locks that this process has on it.
func private(path string) error {
	making.Lock()
	defer making.Unlock()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err == nil && info.Mode().Perm()&0o007 != 0 {
			_ = os.Chmod(name, info.Mode().Perm()&^0o007) // only its owner can
		}
	}
	return nil
}

func open(ctx context.Context, path string, p Policy) (*file, error) {
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)"}, "_txlock": {"immediate"},
	}.Encode()}
	name := u.String()
	if path == "" {
		name = ":memory:"
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, fmt.Errorf("opening the queue %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the queue %s: %w", path, err), db.Close())
	}
	q := &file{db: db, path: path, owner: uuid.NewString(), policy: p.withDefaults(), lease: lease, poll: 50 * time.Millisecond}
	if path != "" {
		if q.info, err = os.Stat(path); err != nil {
			return nil, errors.Join(fmt.Errorf("opening the queue %s: %w", path, err), db.Close())
		}
	}
	return q, nil
}

// there is an error if the file was removed or replaced: what is written to it would be lost.
func (q *file) there() error {
	if q.path == "" {
		return nil
	}
	if info, err := os.Stat(q.path); err != nil || !os.SameFile(info, q.info) {
		return fault.New(fault.Unavailable, "start again to use the file that is there then", "%s was removed or replaced", q.path)
	}
	return nil
}
