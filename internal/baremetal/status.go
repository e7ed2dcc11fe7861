package baremetal

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/ironic"
)

// Status is what a node boots to be deployed and cleaned.
type Status struct {
	Node            *ironic.Node
	Type            string
	Refs            Refs
	Kernel, Ramdisk string // names of the images, or the values
	Build           string
	Source          string // node, default, or half
	Drift           string // "" if it has what it should have
	Run             string // that set the values, "" if none of ours did
	Since           time.Time
	Note            string
}

// Where a node's pair comes from.
const (
	FromNode    = "node"    // its driver_info
	FromDefault = "default" // the conductor's configuration
	FromHalf    = "half"    // half of it is missing, which Ironic refuses
)

// Statuses are the nodes with their pairs. want, if not nil, is what they should have; else it is what most nodes of
// the same type have.
func (s *Site) Statuses(ctx context.Context, sel Selection, want *Pair) ([]Status, error) {
	if sel.Type != "" || len(sel.Nodes) > 0 {
		if err := sel.check(); err != nil {
			return nil, err
		}
	}
	nodes, err := s.nodes(ctx, sel)
	if err != nil {
		return nil, err
	}
	common := mostCommon(nodes)
	names := s.imageNames(ctx, nodes)
	all := make([]Status, 0, len(nodes))
	for _, n := range nodes {
		st := Status{Node: n, Type: cmp.Or(NodeType(n), n.ResourceClass), Refs: refsOf(n), Source: FromNode}
		switch {
		case st.Refs == Refs{}:
			st.Source = FromDefault
		case st.Refs.Kernel == "" || st.Refs.Ramdisk == "":
			st.Source, st.Drift = FromHalf, "half a pair"
		}
		expected, what := common[st.Type], "differs from most of its type"
		if want != nil {
			expected, what = want.refs(), "differs from the pair"
		}
		if st.Refs != expected {
			st.Drift = cmp.Or(st.Drift, what)
		}
		st.Kernel, st.Ramdisk = cmp.Or(names[st.Refs.Kernel].name, st.Refs.Kernel), cmp.Or(names[st.Refs.Ramdisk].name, st.Refs.Ramdisk)
		st.Build = cmp.Or(names[st.Refs.Kernel].build, names[st.Refs.Ramdisk].build)
		st.journal(n)
		all = append(all, st)
	}
	return all, nil
}

// journal says which run set the values.
func (st *Status) journal(n *ironic.Node) {
	j, err := journalOf(n)
	if err != nil {
		st.Note = err.Error()
		return
	}
	if e := j.open(); e != nil {
		st.Run, st.Since, st.Note = e.Run, e.At, e.State
		return
	}
	for _, e := range j.Runs {
		if e.State == Pushed && e.Set == st.Refs {
			st.Run, st.Since = e.Run, e.At
			return
		}
	}
}

// mostCommon is the pair that most nodes of each type have.
func mostCommon(nodes []*ironic.Node) map[string]Refs {
	counts := map[string]map[Refs]int{}
	best := map[string]Refs{}
	for _, n := range nodes {
		t := cmp.Or(NodeType(n), n.ResourceClass)
		if counts[t] == nil {
			counts[t] = map[Refs]int{}
		}
		r := refsOf(n)
		counts[t][r]++
		if now, ok := best[t]; !ok || counts[t][r] > counts[t][now] {
			best[t] = r
		}
	}
	return best
}

type imageName struct{ name, build string }

// imageNames are the names of the images that nodes refer to. An image that can't be read has none.
func (s *Site) imageNames(ctx context.Context, nodes []*ironic.Node) map[string]imageName {
	names := map[string]imageName{}
	for _, n := range nodes {
		for _, ref := range []string{refsOf(n).Kernel, refsOf(n).Ramdisk} {
			if _, known := names[ref]; known || ref == "" {
				continue
			}
			names[ref] = imageName{}
			id := strings.TrimPrefix(ref, "glance://")
			if !glance.IsID(id) {
				continue
			}
			if img, err := s.Images.Image(ctx, id); err == nil {
				names[ref] = imageName{img.Name, Part{ref, img}.build()}
			}
		}
	}
	return names
}

// Past is what a run did to the nodes that still remember it.
type Past struct {
	Entry
	Nodes []string
	State string // of all nodes, or "mixed"
}

// History are the runs that nodes remember, newest first.
func (s *Site) History(ctx context.Context, sel Selection) ([]Past, error) {
	if sel.Type != "" || len(sel.Nodes) > 0 {
		if err := sel.check(); err != nil {
			return nil, err
		}
	}
	nodes, err := s.nodes(ctx, sel)
	if err != nil {
		return nil, err
	}
	byRun := map[string]*Past{}
	for _, n := range nodes {
		j, err := journalOf(n)
		if err != nil {
			continue // status says so
		}
		for _, e := range j.Runs {
			p := byRun[e.Run+e.Action]
			if p == nil {
				p = &Past{Entry: e, State: e.State}
				byRun[e.Run+e.Action] = p
			}
			p.Nodes = append(p.Nodes, n.String())
			if p.State != e.State {
				p.State = "mixed"
			}
			p.Why = cmp.Or(p.Why, e.Why)
		}
	}
	all := make([]Past, 0, len(byRun))
	for _, p := range byRun {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Past) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Run, b.Run), cmp.Compare(a.Action, b.Action))
	})
	return all, nil
}
