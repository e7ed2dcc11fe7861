package retention

import (
	"context"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// UsersOf asks all services of the clouds, which use one Image service, and files, for what uses images.
func UsersOf(clouds []*cloud.Cloud, o usage.Options) Users { return services{clouds, o} }

type services struct {
	clouds  []*cloud.Cloud
	options usage.Options
}

func (s services) Survey(ctx context.Context, take func(*glance.Image), restart func()) (Survey, error) {
	o := s.options
	o.EachImage, o.Restart = take, restart
	index, err := usage.Collect(ctx, s.clouds, o)
	if err != nil {
		return nil, err
	}
	for _, source := range index.Sources() {
		if source.Name == usage.Images && source.State == usage.Failed { // then there is no list of images, either
			return nil, fault.New(fault.Unavailable, "", "%s", source.Detail)
		}
	}
	return survey{index}, nil
}

type survey struct{ *usage.Index }

func (s survey) Of(img *glance.Image) (users, traces []string) {
	for _, u := range s.Index.Of(img) {
		if u.Weak {
			traces = append(traces, u.String())
		} else {
			users = append(users, u.String())
		}
	}
	return users, traces
}

func (s survey) Absent() (absent []Absent) {
	for _, source := range s.Incomplete() {
		absent = append(absent, Absent{
			Source: source.Name, State: source.State, Why: string(source.State) + ": " + source.Detail, Project: source.Project,
		})
	}
	return absent
}

// UsersIn is UsersOf with files: lists of images in use, one a line, and files of any text that names images.
func UsersIn(clouds []*cloud.Cloud, alsoInUse, refs []string) Users {
	return UsersOf(clouds, usage.Options{AlsoInUse: alsoInUse, RefsFiles: refs})
}
