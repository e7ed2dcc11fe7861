package check

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// atOnce is how many calls are measured at the same time.
const atOnce = 5

// latency measures calls that list a little of everything, after all else was read, and counts those that had to
// be repeated.
func latency(ctx context.Context, e *env) finding {
	lists, err := e.test.lists()
	if err != nil {
		return unknown(err)
	}
	n := e.p.API.Calls
	before := e.test.there.Traffic().Requests
	var mu sync.Mutex
	var took []time.Duration
	var g errgroup.Group
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			l := lists[i%len(lists)]
			var body any
			start := time.Now()
			if err := get(ctx, l.client, l.url, &body); err != nil {
				return reading(l.what, err)
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, time.Since(start))
			return nil
		})
	}
	err = g.Wait()
	repeated := e.test.there.Traffic().Requests - before - int64(n)
	if err != nil {
		return found(unmet, fault.Advise("check the services' logs for the cause"), "%d of %d calls failed, such as this: %v",
			n-len(took), n, err)
	}
	slices.Sort(took)
	slow := took[(len(took)*95+99)/100-1]
	text := fmt.Sprintf("%d calls: half within %s, 95 of 100 within %s", n, ms(took[len(took)/2]), ms(slow))
	switch {
	case repeated > 0:
		return found(unmet, fault.Advise("check the services' logs for the cause"), "%s; %d had to be repeated, after an error or a 429",
			text, repeated)
	case slow > e.p.API.Latency:
		return found(unmet, fault.Advise("find out what slows the services down"), "%s, instead of %s", text, e.p.API.Latency)
	}
	if e.test.zones.err == nil {
		text += fmt.Sprintf("; %s", count(len(e.test.zones.value), "availability zone"))
	}
	return pass("%s", text)
}

func ms(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// list is a call that is measured.
type list struct {
	what   string
	client *gophercloud.ServiceClient
	url    string
}

func (s *side) lists() ([]list, error) {
	if s.there == nil {
		return nil, s.flavors.err
	}
	compute, err := s.there.Compute()
	if err != nil {
		return nil, err
	}
	network, err := s.there.Network()
	if err != nil {
		return nil, err
	}
	images, err := s.there.Image()
	if err != nil {
		return nil, err
	}
	return []list{
		{"servers", compute, compute.ServiceURL("servers", "detail") + "?limit=10"},
		{"flavors", compute, compute.ServiceURL("flavors", "detail") + "?limit=10"},
		{"images", images, images.ServiceURL("images") + "?limit=10"},
		{"networks", network, network.ServiceURL("networks") + "?limit=10"},
		{"ports", network, network.ServiceURL("ports") + "?limit=10"},
	}, nil
}
