package share

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Target is a project that images are shared with.
type Target struct {
	Project string   // id
	Name    string   // "" if it isn't known
	site    *Tenancy // its own credentials; nil if only the id is known
	ghost   string   // why it can't use anything, "" if it can
	foreign bool     // it has another Image service, which only a copy reaches
}

// cloud is the target's name in clouds.yaml, "" if only the id is known.
func (t Target) cloud() string {
	if t.site == nil {
		return ""
	}
	return t.site.Cloud
}

// acceptor is the client that may set the status of the target's membership, nil if none may.
func (t Target) acceptor(source *Tenancy) *glance.Client {
	switch {
	case t.site != nil:
		return t.site.Images
	case source.Admin:
		return source.Images
	}
	return nil
}

// targets resolves clouds, project ids and project names to projects, each once.
func targets(ctx context.Context, source *Tenancy, clouds Clouds, names, ids []string, tuning Tuning) ([]Target, error) {
	sites, err := open(ctx, clouds, names)
	if err != nil {
		return nil, err
	}
	var all []Target
	for _, site := range sites {
		t, err := cloudTarget(source, site, tuning.Copy)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	found := make([]project, len(ids))
	group, work := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for n, id := range ids {
		group.Go(func() (err error) {
			found[n], err = source.find(work, id, tuning.AnyProject)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for n, p := range found {
		if p.ID == source.Project.ID {
			return nil, itself(source, fmt.Sprintf("project %q", ids[n]))
		}
		all = append(all, Target{Project: p.ID, Name: p.Name})
	}
	return once(all), nil
}

func cloudTarget(source, site *Tenancy, mayCopy bool) (Target, error) {
	t := Target{Project: site.Project.ID, Name: site.Project.Name, site: site, foreign: !source.sameService(site)}
	switch {
	case t.foreign && !mayCopy:
		return t, fault.New(fault.Usage, fault.Advise("copy the images there, with %s or with copy: true in a file",
			fault.Set("copy", true)),
			"%s has another Image service than %s, so images can't be shared with it", site, source)
	case !t.foreign && t.Project == source.Project.ID:
		return t, itself(source, site.String())
	}
	return t, nil
}

func itself(source *Tenancy, target string) error {
	return fault.New(fault.Usage, "name another project", "%s is project %s of %s itself, which has its own images already", target,
		source.Project.ID, source)
}

// once leaves the first target of each project, which is the one with credentials.
func once(all []Target) []Target {
	seen := map[string]bool{}
	var out []Target
	for _, t := range all {
		key := t.Project
		if t.foreign {
			key = strings.Join([]string{t.site.service, t.Project}, " ")
		}
		if !seen[key] {
			seen[key] = true
			out = append(out, t)
		}
	}
	return out
}
