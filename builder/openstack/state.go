package openstack

import (
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/hashicorp/packer-plugin-sdk/multistep"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/neutron"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// build is what the steps of one build hand to each other. Each field is set by one step.
type build struct {
	config   *Config
	report   report.Reporter
	left     *cloud.Leftovers
	usual    *usual
	deadline time.Time // after which the build's objects are leftovers

	// stepConnect
	cloud                    *cloud.Cloud
	compute, network, volume *gophercloud.ServiceClient // volume only where it is used
	images                   *glance.Client
	acceptors                []*cloud.Cloud // look-up

	// stepLookUp, stepImport
	source       *glance.Image
	predecessors []*glance.Image // of the same name, to be replaced
	flavor       *flavors.Flavor
	attach       []servers.Network
	attached     []neutron.Named // the network of each attachment; its name where that is known
	sshNetwork   string          // the name of the network whose id ssh_interface is
	groups       []string        // ids of security groups
	floatingNet  string          // id
	floatNet     string          // id of the floating IP's network
	ownFloating  *floatingips.FloatingIP

	// stepKeyPair, stepVolume, stepPort, stepFloatingIP, stepServer
	keyName    string
	volumeID   string
	portID     string // the floating IP's port
	floating   *floatingips.FloatingIP
	server     *servers.Server
	host       string
	serverMade *cloud.Thing
	things     []*cloud.Thing // removed as soon as the image is captured
	used       []*cloud.Thing // of things, those that the server uses
	imageMade  *cloud.Thing

	// stepCapture, stepUpload, stepPublish
	image     *glance.Image
	published bool
}

const buildKey = "build"

func newState(c *Config, ui packersdk.Ui, hook packersdk.Hook) multistep.StateBag {
	state := new(multistep.BasicStateBag)
	state.Put("ui", ui)
	state.Put("hook", hook)
	state.Put(buildKey, &build{
		config:   c,
		report:   report.Packer(ui),
		left:     &cloud.Leftovers{},
		usual:    remembered(),
		deadline: c.deadline(max(c.Comm.SSHTimeout, c.Comm.WinRMTimeout), c.BootTest.Longest()),
	})
	return state
}

func from(state multistep.StateBag) *build { return state.Get(buildKey).(*build) }

// next ends a step: err halts the build.
func next(state multistep.StateBag, err error) multistep.StepAction {
	if err != nil {
		state.Put("error", err)
		return multistep.ActionHalt
	}
	return multistep.ActionContinue
}

// expect records a thing to remove as soon as the image is captured.
func (b *build) expect(t *cloud.Thing) *cloud.Thing {
	b.things = append(b.things, b.left.Expect(t))
	return t
}

// expectUsed is expect for things that can only be removed after the server.
func (b *build) expectUsed(t *cloud.Thing) *cloud.Thing {
	b.used = append(b.used, t)
	return b.expect(t)
}

// marks are the run's marks, for objects with metadata.
func (b *build) marks() map[string]string { return b.config.run.Metadata(b.deadline) }

// description holds the run's marks, for objects that only have a description.
func (b *build) description() string { return b.config.run.Description(b.deadline) }

// The variables that provisioners can use.
var generatedNames = []string{
	"ImageID", "ImageName", "SourceImageID", "SourceImageName", "ServerID", "ServerName",
	"FlavorName", "ProjectID", "Region", "RunID",
}

func (b *build) generate(state multistep.StateBag) {
	data, ok := state.Get("generated_data").(map[string]any)
	if !ok {
		data = map[string]any{}
	}
	data["ImageID"] = ""
	data["ImageName"] = b.config.ImageName
	data["SourceImageID"] = b.source.ID
	data["SourceImageName"] = b.source.Name
	data["ServerID"] = b.server.ID
	data["ServerName"] = b.config.InstanceName
	data["FlavorName"] = b.flavor.Name
	data["ProjectID"] = b.cloud.Project().ID
	data["Region"] = b.cloud.Region()
	data["RunID"] = string(b.config.run)
	if b.image != nil {
		data["ImageID"] = b.image.ID
	}
	for _, name := range generatedNames {
		data[name] = apart(data[name].(string))
	}
	state.Put("generated_data", data)
}

// apart keeps Packer's template engine from evaluating a name that somebody else has chosen: commands
// are evaluated until nothing is left to evaluate, and there is no escape for that.
func apart(text string) string { return strings.ReplaceAll(text, "{{", "{ {") }
