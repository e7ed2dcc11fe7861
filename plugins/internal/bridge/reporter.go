package bridge

import (
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// Reporter tells a subject's news through the plugin's output, in the words of the command's user.
func Reporter(in *sdk.Input, out *sdk.Output) report.Reporter {
	return &reporter{out: out, words: Words(in), under: map[string]*sdk.Progress{}}
}

type reporter struct {
	out   *sdk.Output
	words Spelling

	mu    sync.Mutex
	under map[string]*sdk.Progress // what is under way, by what it is
}

func (r *reporter) Step(format string, args ...any) {
	r.out.Textf("%s", fault.Sprintf(r.words, format, args...))
}

func (r *reporter) Warn(format string, args ...any) {
	r.out.Log().Warn(fault.Sprintf(r.words, format, args...))
}

// Progress shows something under one heading until all of it is done.
func (r *reporter) Progress(what string, done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.under[what]
	if p == nil {
		p = r.out.ProgressOf(what, total, 0)
		r.under[what] = p
	}
	p.Total(total)
	p.Set(done)
	if total > 0 && done >= total {
		p.Done("")
		delete(r.under, what)
	}
}
