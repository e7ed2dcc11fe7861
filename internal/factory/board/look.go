package board

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// view is what the board shows at a moment.
type view struct {
	At       time.Time
	Count    queue.Count
	Running  []build
	History  []build
	Current  []Current
	Dead     []queue.Message
	Workers  int      // -1 if unknown
	Problems []string // what couldn't be found out
	Form     string
	Refresh  bool
}

// build is a run of an image's build.
type build struct {
	Image, Run, State string
	Attempt           int
	Started           time.Time
	Duration          time.Duration
	Worker, Reason    string
}

const (
	fresh   = 2 * time.Second // how old a view may be
	history = 100             // how many builds are shown
	patient = 10 * time.Second
)

// look finds out what there is to show. What can't be found out is among the problems.
func (b *board) look(ctx context.Context) view {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen != nil && time.Since(b.seen.At) < fresh {
		return *b.seen
	}
	ctx, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	v := view{At: time.Now(), Form: b.form}
	problem := func(err error) {
		if err != nil {
			v.Problems = append(v.Problems, err.Error())
		}
	}
	var err error
	v.Count, err = b.Queue.Count(ctx)
	problem(err)
	if err == nil && v.Count.Dead > 0 {
		v.Dead, err = b.Queue.Dead(ctx)
		problem(err)
	}
	all, err := b.builds()
	problem(err)
	for _, one := range all {
		if one.State == running {
			v.Running = append(v.Running, one)
		} else if len(v.History) < history {
			v.History = append(v.History, one)
		}
	}
	if v.Workers = -1; b.Workers != nil {
		v.Workers, err = b.Options.Workers()
		problem(err)
	}
	if b.Current != nil {
		v.Current, err = b.Options.Current(ctx)
	} else {
		v.Current, err = b.fromLogs()
	}
	problem(err)
	slices.SortFunc(v.Current, func(a, b Current) int { return strings.Compare(a.Name, b.Name) })
	b.seen = &v
	return v
}

// forget has the next look be a new one.
func (b *board) forget() { b.seen = nil }

// The states of a build that has no result.
const (
	running = "running"
	died    = "died" // its worker did
)

// builds are all runs that have logs here, the latest first.
func (b *board) builds() (all []build, err error) {
	images, err := b.Logs.Images()
	if err != nil {
		return nil, fmt.Errorf("reading the logs: %w", err)
	}
	for _, image := range images {
		runs, err := b.Logs.Runs(image)
		if err != nil {
			return nil, fmt.Errorf("reading the logs: %w", err)
		}
		for _, r := range runs {
			one := build{
				Image: r.Build.Image, Run: r.ID, Attempt: r.Build.Attempt, Started: r.Build.Started, Worker: r.Build.Worker, State: died,
			}
			switch {
			case r.Result != nil:
				one.State, one.Reason = r.Result.Outcome, r.Result.Reason
				one.Duration = r.Result.Ended.Sub(r.Build.Started).Round(time.Second)
			case r.Running():
				one.State, one.Duration = running, time.Since(r.Build.Started).Round(time.Second)
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b build) int { return b.Started.Compare(a.Started) })
	return all, nil
}

// fromLogs are the images of each name's last build that made or found one.
func (b *board) fromLogs() (all []Current, err error) {
	images, err := b.Logs.Images()
	if err != nil {
		return nil, err
	}
	for _, image := range images {
		runs, err := b.Logs.Runs(image)
		if err != nil {
			return nil, err
		}
		for n, r := range runs {
			if r.Result == nil || len(r.Result.Images) == 0 ||
				r.Result.Outcome != buildlog.Built && r.Result.Outcome != buildlog.Unchanged {
				continue
			}
			since := r.Result.Ended
			for _, older := range runs[n+1:] { // the same image may have been found again
				if older.Result != nil && slices.Equal(older.Result.Images, r.Result.Images) {
					since = older.Result.Ended
				}
			}
			for _, id := range r.Result.Images {
				all = append(all, Current{Name: image, ID: id, Since: since})
			}
			break
		}
	}
	return all, nil
}
