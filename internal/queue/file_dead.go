package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

type fileDelivery struct {
	q *file
	m Message
}

func (d *fileDelivery) Message() Message { return d.m }

// end changes the message if it still is this process's.
func (d *fileDelivery) end(ctx context.Context, do func(*sql.Tx) error) error {
	return d.q.change(ctx, "updating the queue", func(tx *sql.Tx) error {
		var n int
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM messages WHERE id = ? AND owner = ? AND state = 'working'",
			d.m.ID, d.q.owner).Scan(&n)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrLost
		}
		return do(tx)
	})
}

func (d *fileDelivery) Done(ctx context.Context) error {
	return d.end(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM messages WHERE id = ?", d.m.ID)
		return err
	})
}

func (d *fileDelivery) Fail(ctx context.Context, f Failure) (pause time.Duration, dead bool, err error) {
	m, pause, dead := d.q.policy.failed(d.m, f)
	if dead {
		return 0, true, d.end(ctx, func(tx *sql.Tx) error { return put(ctx, tx, m, "dead", time.Time{}) })
	}
	return pause, false, d.end(ctx, func(tx *sql.Tx) error { return put(ctx, tx, m, "ready", time.Now().Add(pause)) })
}

func (d *fileDelivery) Bury(ctx context.Context, f Failure) error {
	m := d.m
	m.Attempt++
	m.Failure = f
	return d.end(ctx, func(tx *sql.Tx) error { return put(ctx, tx, m, "dead", time.Time{}) })
}

func (d *fileDelivery) Defer(ctx context.Context) error {
	return d.end(ctx, func(tx *sql.Tx) error {
		return put(ctx, tx, d.m, "ready", time.Now().Add(d.q.policy.Moment))
	})
}

func (q *file) Dead(ctx context.Context) ([]Message, error) {
	return q.list(ctx, "reading the dead letters", isDead)
}

func (q *file) Revive(ctx context.Context, ids ...string) ([]Message, error) {
	return q.each(ctx, "changing the dead letters", ids, isDead, func(tx *sql.Tx, m Message) error {
		return put(ctx, tx, revived(m), "ready", time.Time{})
	})
}

func (q *file) Discard(ctx context.Context, ids ...string) ([]Message, error) {
	return q.each(ctx, "changing the dead letters", ids, isDead, func(tx *sql.Tx, m Message) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM messages WHERE id = ?", m.ID)
		return err
	})
}

func (q *file) Waiting(ctx context.Context) ([]Message, error) {
	return q.list(ctx, "reading the queue", isWaiting)
}

func (q *file) Hasten(ctx context.Context, ids ...string) ([]Message, error) {
	return q.each(ctx, "changing the queue", ids, isWaiting, func(tx *sql.Tx, m Message) error {
		return put(ctx, tx, m, "ready", time.Time{})
	})
}

// Conditions on messages; ?1 is the time.
const (
	isDead    = "state = 'dead' AND ?1 > 0"
	isWaiting = "state = 'ready' AND due > ?1 AND json_extract(message, '$.attempt') > 0"
)

// lister is a database, or a transaction.
type lister interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (q *file) list(ctx context.Context, what, is string) (found []Message, err error) {
	if found, err = list(ctx, q.db, is); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}

func list(ctx context.Context, from lister, is string) (found []Message, err error) {
	rows, err := from.QueryContext(ctx, "SELECT message FROM messages WHERE "+is+" ORDER BY number", time.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		var m Message
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, rows.Err()
}

// each does something to those of the messages that are there, and returns them.
func (q *file) each(ctx context.Context, what string, ids []string, is string, do func(*sql.Tx, Message) error) (
	done []Message, err error,
) {
	err = q.change(ctx, what, func(tx *sql.Tx) error {
		all, err := list(ctx, tx, is)
		if err != nil {
			return err
		}
		for _, m := range all {
			if !slices.Contains(ids, m.ID) {
				continue
			}
			if err := do(tx, m); err != nil {
				return err
			}
			done = append(done, m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}
