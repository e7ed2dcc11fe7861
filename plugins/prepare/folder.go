package main

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/imageserve"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/transfer"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/registry"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// folderFlags name folders that registries serve.
func folderFlags() sdk.Flags {
	return sdk.Flags{
		sdk.Strings("folder", "folder that a registry serves, such as /var/lib/image-serve: its images are written and read there, "+
			"not sent to the registry. Without HOST:PORT, the registry is the undercloud's").ValueName("[HOST:PORT=]DIR").
			Completes(sdk.CompleteDirectories),
	}
}

// stores are registries, and the folders of the flags.
type stores struct {
	transfer.Stores
	folders map[string]*imageserve.Folder // by registry
	dirs    map[string]string
}

// opening says how folders are opened.
type opening func(dir string) (*imageserve.Folder, error)

// toWrite makes folders that aren't there, unless nothing may be changed.
func toWrite(in *sdk.Input) opening {
	return func(dir string) (*imageserve.Folder, error) { return imageserve.Create(dir, in.DryRun()) }
}

// toPlan takes a folder that isn't there for an empty one.
func toPlan(dir string) (*imageserve.Folder, error) { return imageserve.Create(dir, true) }

// openStores opens the folders; usual is the registry of those that name none.
func openStores(in *sdk.Input, c *registry.Client, usual string, open opening) (*stores, error) {
	s := &stores{
		Stores:  transfer.Stores{Registries: c, Folders: map[string]transfer.Folder{}},
		folders: map[string]*imageserve.Folder{}, dirs: map[string]string{},
	}
	for _, text := range in.Strings("folder") {
		host, dir, named := strings.Cut(text, "=")
		if !named {
			host, dir = usual, text
		}
		if host == "" || dir == "" {
			s.close()
			return nil, fault.Bad("folder", "", "%q is neither DIR nor HOST:PORT=DIR", text)
		}
		dir = in.Path(dir)
		f, err := open(dir)
		if err != nil {
			s.close()
			return nil, err
		}
		s.folders[host], s.dirs[host], s.Folders[dir] = f, dir, imageserve.Images{Folder: f}
	}
	return s, nil
}

func (s *stores) close() {
	for _, f := range s.folders {
		f.Close()
	}
}

// refuse is the error of images that are modified on their way into a folder: what modifies them pulls them
// from the registry that they were copied to.
func (s *stores) refuse(modified []modify.Job) error {
	for _, m := range modified {
		if host := m.Target.Registry(); s.folders[host] != nil {
			advice := fault.Advise("set push_destination of the entry at %s to a registry that takes images, and copy the result "+
				"from there into the folder", m.At)
			return fault.New(fault.Usage, advice, "image %s: what is modified can't be written to the folder %s", m.Target, s.dirs[host])
		}
	}
	return nil
}

// place has jobs use the folders of their registries.
func (s *stores) place(jobs []transfer.Job) {
	for n := range jobs {
		if jobs[n].SourceFolder == "" {
			jobs[n].SourceFolder = s.dirs[jobs[n].Source.Registry()]
		}
		if jobs[n].TargetFolder == "" {
			jobs[n].TargetFolder = s.dirs[jobs[n].Target.Registry()]
		}
	}
}
