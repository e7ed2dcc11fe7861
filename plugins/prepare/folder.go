package main

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
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

// opening says how the folder of a registry is opened.
type opening func(host, dir string) (*imageserve.Folder, error)

// toRead opens folders that are there.
func toRead(_, dir string) (*imageserve.Folder, error) { return imageserve.Open(dir) }

// toWrite makes the folders of registries that images are copied to, if they aren't there.
func toWrite(out *sdk.Output, to map[string]bool) opening {
	return func(host, dir string) (*imageserve.Folder, error) {
		if !to[host] {
			return toRead(host, dir)
		}
		there := exists(dir)
		f, err := imageserve.Create(dir, false)
		if err == nil && !there {
			out.Textf("new folder of images: %s", dir)
		}
		return f, err
	}
}

// toPlan takes such a folder for an empty one, and makes none.
func toPlan(to map[string]bool) opening {
	return func(host, dir string) (*imageserve.Folder, error) {
		if !to[host] {
			return toRead(host, dir)
		}
		return imageserve.Create(dir, true)
	}
}

// toCopy is toWrite, or toPlan if nothing may be changed.
func toCopy(in *sdk.Input, out *sdk.Output, to map[string]bool) opening {
	if in.DryRun() {
		return toPlan(to)
	}
	return toWrite(out, to)
}

// targets are the registries that images are copied to.
func targets(result *decide.Result) map[string]bool {
	to := map[string]bool{}
	for _, image := range result.All() {
		if image.Pushed {
			to[image.Target.Registry()] = true
		}
	}
	return to
}

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
		f, err := open(host, dir)
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

// placeModified has images that are modified use the folders of their registries.
func (s *stores) placeModified(jobs []modify.Job) {
	for n := range jobs {
		jobs[n].SourceFolder = s.dirs[jobs[n].Source.Registry()]
		jobs[n].TargetFolder = s.dirs[jobs[n].Target.Registry()]
	}
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
