package transfer

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// steps is how often progress is told from begin to end.
const steps = 100

// progress is how much of something has been sent.
type progress struct {
	mu                sync.Mutex
	total, done, told int64
}

// add counts bytes, and tells about them now and then.
func (p *progress) add(rep report.Reporter, what string, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	if p.total == 0 || p.done-p.told < p.total/steps && p.done != p.total && n > 0 {
		return
	}
	p.told = p.done
	rep.Progress(what, p.done, p.total)
}

// counter tells what has been sent.
type counter struct {
	io.Reader
	r      *run
	images []*Image // that wait for it
	n      atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	c.tell(int64(n))
	return n, err
}

func (c *counter) tell(n int64) {
	if n == 0 {
		return
	}
	c.r.all.add(c.r.rep, "Copying blobs", n)
	for _, i := range c.images {
		i.progress.add(c.r.rep, i.to().String(), n)
	}
}

func (c *counter) takeBack() { c.tell(-c.n.Load()) }
