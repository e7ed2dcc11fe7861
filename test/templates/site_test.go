package templates

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"
	"github.com/klauspost/compress/zstd"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// sshPort is one that needs no privilege.
const sshPort = 2224

// sources are the images that templates start from.
var sources = []string{
	"Ubuntu 22.04", "Ubuntu 24.04", "Debian 12", "Rocky 9", "RHEL 9", "AlmaLinux 9", "CentOS Stream 9", "Fedora 41", "Flatcar",
}

// site is a sandbox with what the templates need.
type site struct {
	*sandbox.Cloud
	cloud   *cloud.Cloud
	images  *glance.Client
	keyFile string
	filled  *strings.Replacer
}

func newSite(t *testing.T) *site {
	t.Helper()
	seed := sandbox.DefaultSeed()
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		distro, _, _ := strings.Cut(strings.ToLower(name), " ")
		seed.Images = append(seed.Images, sandbox.Image{
			Project: "admin", Data: empty.Bytes(), Name: name, Visibility: sandbox.Public, DiskFormat: "raw", MinDisk: 1,
			Properties: map[string]string{"os_distro": distro, "hw_rng_model": "virtio"},
		})
	}
	s := &site{Cloud: sandboxtest.Start(t, sandboxtest.WithGuests(t, sandbox.Options{
		Seed: seed, SSHPort: sshPort,
		ServerQuotas: sandbox.ServerQuotas{Instances: -1, Cores: -1, RAM: -1}, VolumeQuotas: sandbox.VolumeQuotas{Volumes: -1},
	}))}
	s.cloud = cloudtest.Connect(t, s.CloudsYAML(), "demo")
	api, err := s.cloud.Image()
	if err != nil {
		t.Fatal(err)
	}
	s.images = glance.New(api)
	s.fillIn(t)
	return s
}

// fillIn makes the key pair "ci", and finds what stands for the words in capitals.
func (s *site) fillIn(t *testing.T) {
	t.Helper()
	pair, err := sshkey.GeneratePair(sshkey.ED25519, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.keyFile = filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(s.keyFile, pair.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	compute, err := s.cloud.Compute()
	if err != nil {
		t.Fatal(err)
	}
	if err := keypairs.Create(t.Context(), compute, keypairs.CreateOpts{Name: "ci", PublicKey: string(pair.Public)}).Err; err != nil {
		t.Fatal(err)
	}
	network, err := s.cloud.Network()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := networks.List(network, networks.ListOpts{Name: "private"}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, err := networks.ExtractNetworks(pages)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	source, err := s.images.One(t.Context(), glance.Selector{Name: "Rocky 9"}, false)
	if err != nil {
		t.Fatal(err)
	}
	s.filled = strings.NewReplacer("NETWORK", found[0].ID, "SOURCE", source.ID, "KEYFILE", s.keyFile)
}

func (s *site) fill(text string) string { return s.filled.Replace(text) }

// result is what came of a build, without what differs from one build to the next.
type result struct {
	Image    image    `json:"image"`
	Artifact []string `json:"artifact"` // of the machine-readable output
	Lines    []string `json:"lines"`    // that scripts read, and what provisioners printed
	Manifest string   `json:"manifest"` // artifact_id and builder_type of the manifest, where there is one
}

type image struct {
	Name, Status, Visibility, DiskFormat, ContainerFormat string
	MinDisk, MinRAM                                       int
	Protected, Hidden                                     bool
	Tags                                                  []string
	Properties                                            map[string]string
	Release                                               string // what a provisioner wrote
}

// scripted are the lines that scripts read, and those that the provisioners print.
var scripted = regexp.MustCompile(`: (Creating the image: |An image was created: |kubernetes of |provisioned |built |ID is )`)

// result reads packer's machine-readable output and the image, and removes the image.
func (s *site) result(t *testing.T, out, dir string) (r result) {
	t.Helper()
	id := ""
	for line := range strings.SplitSeq(out, "\n") {
		fields := strings.Split(line, ",")
		if len(fields) < 4 {
			continue
		}
		text := strings.ReplaceAll(strings.Join(fields[3:], ","), "%!(PACKER_COMMA)", ",")
		switch {
		case fields[2] == "artifact" && fields[4] == "id":
			id = fields[5]
		case fields[2] == "artifact" && slices.Contains([]string{"builder-id", "string", "files-count"}, fields[4]):
			r.Artifact = append(r.Artifact, strings.Join(fields[4:], " "))
		case fields[2] == "ui" && scripted.MatchString(text):
			r.Lines = append(r.Lines, text)
		}
	}
	if id == "" {
		return r
	}
	img, err := s.images.Image(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, all := range [][]string{r.Artifact, r.Lines} {
		for n := range all {
			all[n] = strings.ReplaceAll(all[n], id, "ID")
		}
	}
	r.Manifest = strings.ReplaceAll(manifest(t, dir), id, "ID")
	delete(img.Properties, cloud.RunKey)
	for key, value := range img.Properties {
		if _, err := uuid.Parse(value); err == nil {
			img.Properties[key] = "an id"
		}
	}
	slices.Sort(img.Tags)
	r.Image = image{
		img.Name, img.Status, img.Visibility, img.DiskFormat, img.ContainerFormat, img.MinDisk, img.MinRAM, img.Protected, img.Hidden,
		img.Tags, img.Properties, s.release(t, id),
	}
	if err := s.images.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	return r
}

// manifest is what the post-processor of that name wrote, where the template has it.
func manifest(t *testing.T, dir string) string {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*manifest.json")) // the pattern is good
	if len(files) == 0 {
		return ""
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Builds []struct {
			Name        string            `json:"name"`
			BuilderType string            `json:"builder_type"`
			ArtifactID  string            `json:"artifact_id"`
			CustomData  map[string]string `json:"custom_data"`
		} `json:"builds"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	short, err := json.Marshal(all.Builds)
	if err != nil {
		t.Fatal(err)
	}
	return string(short)
}

// release is the file that a provisioner wrote into the image.
func (s *site) release(t *testing.T, id string) string {
	t.Helper()
	api, err := s.cloud.Image()
	if err != nil {
		t.Fatal(err)
	}
	data, err := imagedata.Download(t.Context(), api, id).Extract()
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	z, err := zstd.NewReader(data)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return ""
		}
		if err != nil {
			t.Fatalf("reading image %s: %v", id, err)
		}
		if strings.TrimPrefix(h.Name, "./") == "etc/image-release" {
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
}
