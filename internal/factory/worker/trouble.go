package worker

import (
	"context"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// rest is how long a worker takes no messages while it can't work on any.
var rest = change.Retry{First: time.Second, Most: time.Minute}

// trouble is what keeps a worker from working on any message. It is no failure of a message.
type trouble struct {
	mu    sync.Mutex
	err   error
	times int   // in a row
	ended error // that has ended the worker
}

// meet notes trouble; the worker then rests for pause. told reports whether the same was said already.
func (t *trouble) meet(err error) (pause time.Duration, told bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	told = t.err != nil && t.err.Error() == err.Error()
	t.err = err
	t.times++
	return rest.Pause(t.times), told
}

// over notes that there is none, and reports whether there was.
func (t *trouble) over() (was bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was = t.err != nil
	t.err, t.times = nil, 0
	return was
}

// end notes what has ended the worker.
func (t *trouble) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = err
}

// fatal is what has ended the worker, nil if nothing.
func (t *trouble) fatal() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// hindered is the verdict when the worker itself is in trouble: the message keeps its attempts.
func (w *worker) hindered(ctx context.Context, m queue.Message, err error) verdict {
	if v, over := w.interrupted(ctx, about(m, "")); over {
		return v
	}
	return verdict{again: true, trouble: err}
}

// rest keeps the worker from taking the next message at once, which it couldn't work on either. One that ends when
// there is nothing to do ends now.
func (w *worker) rest(err error) {
	if w.UntilEmpty {
		w.trouble.end(err)
		w.stop()
		return
	}
	pause, told := w.trouble.meet(err)
	if !told {
		w.rep.Warn("no request can be worked on, and none loses an attempt: %v; trying again, at the latest every %s", err, rest.Most)
	}
	change.Sleep(w.taking, pause)
}
