package change_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/change/changetest"
	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

const policy = `version: 1
name: all stages
select: {names: ["web*"]}
group: [os]
keep: 1
grace: 0
age: {from: created}
stages: {3mo: deprecate, 6mo: hide, 9mo: private, 12mo: deactivate, 15mo: trash, 18mo: delete}
budget: {images: 10, percent: 100}
may_be_missing: [absent-services]
`

// retaining sends images through all stages, two of which need two requests.
var retaining = changetest.Subject{
	Name: "retention",
	World: func(t *testing.T) *changetest.World {
		s := sandboxtest.Start(t, sandbox.Options{})
		now := time.Now().UTC()
		for n, months := range []int{0, 4, 7, 10, 13, 16, 20} {
			i := sandbox.Image{
				Name: "web", Project: "admin", Visibility: "public", Data: []byte("data"), CreatedAt: now.AddDate(0, -months, -n),
				Properties: map[string]string{},
			}
			if months == 20 {
				i.Properties[retention.StageKey], i.Properties[retention.StageAtKey] = retention.Hide, "2020-01-01T00:00:00Z"
			}
			add(t, s, i)
		}
		file := filepath.Join(t.TempDir(), "policy.yaml")
		if err := os.WriteFile(file, []byte(policy), 0o600); err != nil {
			t.Fatal(err)
		}
		w := &changetest.World{Cloud: s, Arg: file}
		w.State = func() string { return images(t, w) }
		first, err := retain(t.Context(), s.CloudsYAML(), file) // which only reports
		if err == nil {
			err = first.Apply(t.Context(), report.Discard)
		}
		if err != nil {
			t.Fatal(err)
		}
		return w
	},
	Plan: retain,
	Doors: []changetest.Door{imgctl(func(w *changetest.World) []string {
		return []string{"--os-cloud", "admin", "retention", "apply", "--policy", w.Arg}
	}, []string{"image_id", "image", "group", "stage", "action", "reason", "outcome", "since", "next", "next_at", "evidence"})},
}

func retain(ctx context.Context, file, arg string) (change.Plan, error) {
	text, err := os.ReadFile(arg)
	if err != nil {
		return nil, err
	}
	p, err := retention.ParsePolicy(text)
	if err != nil {
		return nil, err
	}
	c, err := cloudtest.Open(ctx, file, "admin")
	if err != nil {
		return nil, err
	}
	site, err := retention.NewSite(c, retention.UsersIn([]*cloud.Cloud{c}, nil, nil))
	if err != nil {
		return nil, err
	}
	return retention.Scheduled(ctx, site, p)
}
