package sdk

import (
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// pause lies at least between two messages about one thing.
const pause = 100 * time.Millisecond

// Progress is a task that takes time. Call its methods as often as you like: at most ten messages a second
// are sent, and always the last state.
type Progress struct {
	out *Output

	mu    sync.Mutex
	now   *pluginv1.Progress
	sent  time.Time
	later *time.Timer // sends what came too early
}

// Progress starts something that takes time, and shows it. End it with Done, Fail or Skip.
func (o *Output) Progress(label string) *Progress { return o.progress(label, "", 0, 0) }

// ProgressOf is Progress towards a known total in a unit, such as bytes.
func (o *Output) ProgressOf(label string, total int64, unit Unit) *Progress {
	return o.progress(label, "", total, unit)
}

// Part starts something that is a part of p.
func (p *Progress) Part(label string, total int64, unit Unit) *Progress {
	return p.out.progress(label, p.now.GetId(), total, unit)
}

func (o *Output) progress(label, parent string, total int64, unit Unit) *Progress {
	p := &Progress{out: o, now: &pluginv1.Progress{
		Id: o.run.nextID("progress-"), Parent: parent, Label: valid(label), Total: total, Unit: unit,
		State: pluginv1.ProgressState_PROGRESS_STATE_RUNNING,
	}}
	p.change(func(*pluginv1.Progress) {})
	return p
}

// Set says how much is done.
func (p *Progress) Set(done int64) { p.change(func(now *pluginv1.Progress) { now.Done = done }) }

// Add says how much more is done.
func (p *Progress) Add(n int64) { p.change(func(now *pluginv1.Progress) { now.Done += n }) }

// Total says how much there is to do in all.
func (p *Progress) Total(total int64) { p.change(func(now *pluginv1.Progress) { now.Total = total }) }

// Detail says what happens right now.
func (p *Progress) Detail(text string) {
	p.change(func(now *pluginv1.Progress) { now.Detail = valid(text) })
}

// Write adds the bytes to what is done, for io.TeeReader and io.MultiWriter.
func (p *Progress) Write(b []byte) (int, error) {
	p.Add(int64(len(b)))
	return len(b), nil
}

// Done ends it well; the detail may be empty.
func (p *Progress) Done(detail string) { p.end(pluginv1.ProgressState_PROGRESS_STATE_DONE, detail) }

// Fail ends it badly.
func (p *Progress) Fail(detail string) { p.end(pluginv1.ProgressState_PROGRESS_STATE_FAILED, detail) }

// Skip ends it with nothing to do.
func (p *Progress) Skip(detail string) { p.end(pluginv1.ProgressState_PROGRESS_STATE_SKIPPED, detail) }

func (p *Progress) end(state pluginv1.ProgressState, detail string) {
	p.change(func(now *pluginv1.Progress) { now.State, now.Detail = state, valid(detail) })
}

func (p *Progress) change(how func(*pluginv1.Progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now.GetState() != pluginv1.ProgressState_PROGRESS_STATE_RUNNING {
		return // an end is an end
	}
	how(p.now)
	wait := pause - time.Since(p.sent)
	switch ended := p.now.GetState() != pluginv1.ProgressState_PROGRESS_STATE_RUNNING; {
	case ended || wait <= 0:
		p.flush()
	case p.later == nil:
		p.later = time.AfterFunc(wait, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.later != nil {
				p.flush()
			}
		})
	}
}

func (p *Progress) flush() {
	if p.later != nil {
		p.later.Stop()
		p.later = nil
	}
	p.sent = time.Now()
	p.out.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Progress{Progress: proto.CloneOf(p.now)}})
}
