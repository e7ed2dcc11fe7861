package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
)

// file is a Queue in an SQLite file, for the processes of one machine.
type file struct {
	db     *sql.DB
	path   string      // "" for none
	info   os.FileInfo // of the file that is open
	owner  string      // this process, among those that use the file
	policy Policy
	lease  time.Duration
	poll   time.Duration
}

// lease is how long a message or claim belongs to a process that has stopped renewing it.
const lease = 20 * time.Second

const schema = `
PRAGMA user_version=1;
CREATE TABLE IF NOT EXISTS messages (
	number INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT NOT NULL UNIQUE,
	message TEXT NOT NULL,
	state TEXT NOT NULL,      -- ready, working, dead
	due INTEGER NOT NULL,     -- when it is ready, or no longer its owner's; milliseconds since 1970
	owner TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS due ON messages (state, due);
CREATE TABLE IF NOT EXISTS claims (subject TEXT PRIMARY KEY, owner TEXT NOT NULL, due INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS newest (subject TEXT PRIMARY KEY, sequence INTEGER NOT NULL);
`

func (q *file) Close() error {
	_, err := q.db.ExecContext(context.Background(),
		"UPDATE messages SET state = 'ready', due=0, owner = '' WHERE state = 'working' AND owner = ?", q.owner)
	if err == nil {
		_, err = q.db.ExecContext(context.Background(), "DELETE FROM claims WHERE owner = ?", q.owner)
	}
	return errors.Join(err, q.db.Close())
}

func (q *file) Publish(ctx context.Context, messages ...Message) error {
	return q.change(ctx, "adding to the queue", func(tx *sql.Tx) error {
		for _, m := range messages {
			text, err := json.Marshal(m)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `INSERT INTO messages (id, message, state, due, owner)
				VALUES (?, ?, 'ready', 0, '') ON CONFLICT (id) DO NOTHING`, m.ID, string(text))
			if err != nil {
				return err
			}
			if m.Subject == "" || m.Sequence == 0 {
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO newest VALUES (?, ?) ON CONFLICT (subject)
				DO UPDATE SET sequence = max(sequence, excluded.sequence)`, m.Subject, m.Sequence); err != nil {
				return err
			}
		}
		return nil
	})
}

// put replaces a message.
func put(ctx context.Context, tx *sql.Tx, m Message, state string, due time.Time) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE messages SET message = ?, state = ?, due = ?, owner = '' WHERE id = ?",
		string(text), state, millis(due), m.ID)
	return err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// change runs a transaction.
func (q *file) change(ctx context.Context, what string, do func(*sql.Tx) error) error {
	if err := q.there(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := do(tx); err != nil {
		return errors.Join(fmt.Errorf("%s: %w", what, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (q *file) Consume(ctx context.Context, slots int, handle func(context.Context, Delivery)) error {
	var group sync.WaitGroup
	failed := make(chan error, slots)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for range slots {
		group.Go(func() {
			for ctx.Err() == nil {
				m, err := q.take(ctx)
				switch {
				case ctx.Err() != nil && err != nil:
				case err != nil:
					failed <- err
					cancel()
				case m == nil:
					change.Sleep(ctx, q.poll)
				default:
					q.work(*m, handle)
				}
			}
		})
	}
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// take takes the next message that is due; nil if there is none.
func (q *file) take(ctx context.Context) (found *Message, err error) {
	if err := q.there(); err != nil {
		return nil, fmt.Errorf("reading the queue: %w", err)
	}
	var text string
	now := time.Now()
	err = q.db.QueryRowContext(ctx, `UPDATE messages SET state = 'working', due = ?, owner = ? WHERE number =
		(SELECT number FROM messages WHERE state IN ('ready', 'working') AND due <= ? ORDER BY number LIMIT 1)
		RETURNING message`, now.Add(q.lease).UnixMilli(), q.owner, now.UnixMilli()).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the queue: %w", err)
	}
	var m Message
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("reading the queue: %w", err)
	}
	return &m, nil
}

// work has a message handled, and renews its lease meanwhile.
func (q *file) work(m Message, handle func(context.Context, Delivery)) {
	ctx, lost := context.WithCancelCause(context.Background())
	stop := q.renew(lost, "UPDATE messages SET due = ? WHERE id = ? AND owner = ? AND state = 'working'", m.ID)
	defer lost(nil)
	defer stop()
	handle(ctx, &fileDelivery{q, m})
}

// renew keeps what belongs to this process, until stop.
func (q *file) renew(lost context.CancelCauseFunc, query, key string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		until := time.Now().Add(q.lease)
		for change.Sleep(ctx, q.lease/4) {
			due := time.Now().Add(q.lease)
			result, err := q.db.ExecContext(ctx, query, due.UnixMilli(), key, q.owner)
			if err == nil {
				if n, _ := result.RowsAffected(); n == 0 && ctx.Err() == nil {
					lost(ErrLost)
					return
				}
				until = due
			} else if time.Now().After(until) && ctx.Err() == nil {
				lost(fmt.Errorf("%w: %w", ErrLost, err))
				return
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

func (q *file) Claim(ctx context.Context, subject string) (release func(), ok bool, err error) {
	now := time.Now()
	result, err := q.db.ExecContext(ctx, `INSERT INTO claims VALUES (?, ?, ?) ON CONFLICT (subject)
		DO UPDATE SET owner = excluded.owner, due = excluded.due WHERE claims.due <= ?`,
		subject, q.owner, now.Add(q.lease).UnixMilli(), now.UnixMilli())
	if err != nil {
		return nil, false, fmt.Errorf("claiming %s: %w", subject, err)
	}
	if n, _ := result.RowsAffected(); n == 0 {
		return nil, false, nil
	}
	// Claim and message are renewed by the same process and file; the message's loss tells of both.
	stop := q.renew(func(error) {}, "UPDATE claims SET due = ? WHERE subject = ? AND owner = ?", subject)
	return func() {
		stop()
		// If it fails, the claim ends with its lease.
		_, _ = q.db.ExecContext(context.Background(), "DELETE FROM claims WHERE subject = ? AND owner = ?", subject, q.owner)
	}, true, nil
}

func (q *file) Newest(ctx context.Context, subject string) (sequence int64, err error) {
	err = q.db.QueryRowContext(ctx, "SELECT coalesce(max(sequence), 0) FROM newest WHERE subject = ?", subject).Scan(&sequence)
	if err != nil {
		return 0, fmt.Errorf("reading the queue: %w", err)
	}
	return sequence, nil
}

func (q *file) Count(ctx context.Context) (c Count, err error) {
	if err := q.there(); err != nil {
		return Count{}, fmt.Errorf("counting the queue: %w", err)
	}
	working, now := 0, time.Now().UnixMilli()
	err = q.db.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state = 'ready' AND due <= ?1 OR state = 'working' AND due <= ?1),
		count(*) FILTER (WHERE state = 'working' AND due > ?1), count(*) FILTER (WHERE state = 'ready' AND due > ?1),
		count(*) FILTER (WHERE state = 'dead') FROM messages`, now).Scan(&c.Ready, &working, &c.Waiting, &c.Dead)
	if err != nil {
		return Count{}, fmt.Errorf("counting the queue: %w", err)
	}
	c.Working = &working
	return c, nil
}
