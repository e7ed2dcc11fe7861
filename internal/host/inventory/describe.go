package inventory

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/launch"
	"github.com/imgctl/packer-plugin-openstack/internal/host/printable"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/manifest"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

func (inv *Inventory) describe(ctx context.Context, plugins []*Plugin, c *cache) {
	type answer struct {
		m   *pluginv1.Manifest
		err error
	}
	answers := make([]answer, len(plugins))
	var g errgroup.Group
	g.SetLimit(2 * runtime.NumCPU()) // more would only slow down each of them
	for i, p := range plugins {
		g.Go(func() error {
			m, err := inv.Describe(ctx, p)
			answers[i] = answer{m, err}
			return nil
		})
	}
	_ = g.Wait() // each answer has its own error
	for i, p := range plugins {
		p.Manifest, p.Err = answers[i].m, answers[i].err
		k := c.known[p.Path]
		k.At = time.Now()
		if p.Err != nil {
			k.Failed = p.Err.Error()
		} else if b, err := proto.Marshal(p.Manifest); err == nil {
			k.Manifest, k.Failed = b, ""
		}
		if k.SHA256 == p.SHA256 && ctx.Err() == nil {
			c.put(p.Path, k)
		}
	}
}

// Describe asks a plugin what it can do. Its answer is checked.
func (inv *Inventory) Describe(ctx context.Context, p *Plugin) (*pluginv1.Manifest, error) {
	f, _, err := inv.open(p.Path, &cache{known: map[string]known{}})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.SHA256 != p.SHA256 {
		return nil, fault.New(fault.Forbidden, "try again", "plugin %q changes while it is looked at", p.Name)
	}
	process, err := launch.Start(ctx, launch.Spec{
		Name: p.Name, Path: p.Path, File: f.File, SHA256: f.SHA256, Started: f.Started,
		Line: func(string) {},
	})
	if err != nil {
		return nil, err
	}
	defer process.Close()
	ctx, cancel := context.WithTimeout(ctx, DescribeTimeout)
	defer cancel()
	m, err := process.Describe(ctx, &pluginv1.DescribeRequest{HostVersion: inv.config.Version, HostFeatures: Features})
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded: // whoever's clock was first
		process.Abandon()
		return nil, fault.New(fault.Internal, "", "plugin %q did not say what it can do within %s", p.Name, DescribeTimeout)
	case err != nil:
		return nil, fault.New(fault.Internal, "", "plugin %q could not say what it can do: %s", p.Name, status.Convert(err).Message())
	}
	if err := acceptable(p.Name, m); err != nil {
		return nil, err
	}
	legible(m)
	return m, nil
}

// legible makes the manifest's texts fit to be shown: none can pass for a line of imgctl's.
func legible(m *pluginv1.Manifest) {
	manifest.EachText(m, func(_ string, text *string, lines bool) {
		if lines {
			*text = printable.Text(*text)
		} else {
			*text = printable.Line(*text)
		}
	})
}

func acceptable(name string, m *pluginv1.Manifest) error {
	for _, feature := range m.GetRequires() {
		if !slices.Contains(Features, feature) {
			return fault.New(fault.Internal, "use a newer imgctl", "plugin %q needs %q, which this imgctl doesn't have", name, feature)
		}
	}
	if wrong := manifest.Check(m); len(wrong) > 0 {
		more := ""
		if len(wrong) > 1 {
			more = fmt.Sprintf(" (and %d more)", len(wrong)-1)
		}
		return fault.New(fault.Internal, "imgctl plugin check shows all", "plugin %q: %s%s", name, wrong[0], more)
	}
	if m.GetName() != name {
		return fault.New(fault.Internal, "name the file imgctl-"+m.GetName(), "plugin %q calls itself %q", name, m.GetName())
	}
	return nil
}
