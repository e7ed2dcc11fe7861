// Package boottest boots a server from an image, waits until the server shows that it works, and removes the
// server and all else that it made, whatever happens.
//
// The image gets the result as properties. What a test creates carries its run id and a deadline, so that what a
// dead test left can be swept.
package boottest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Site is the cloud in which the server boots. Its credentials see the image.
type Site struct {
	Cloud            *cloud.Cloud
	Compute, Network *gophercloud.ServiceClient
	Images           *glance.Client
	Run              cloud.Run // of this test alone
	Pace             change.Pace
}

// NewSite connects a test to the cloud's services.
func NewSite(c *cloud.Cloud, run cloud.Run) (Site, error) {
	s := Site{Cloud: c, Run: run, Pace: change.Pace{First: 300 * time.Millisecond, Max: 3 * time.Second}}
	var err error
	if s.Compute, err = c.Compute(); err != nil {
		return s, err
	}
	if s.Network, err = c.Network(); err != nil {
		return s, err
	}
	images, err := c.Image()
	if err != nil {
		return s, err
	}
	s.Images = glance.New(images)
	return s, nil
}

// Options of a test. At least one sign of life is required: SSHUser, Console, Ports or CloudInit.
type Options struct {
	Image string // id

	Flavor            string   // name or id
	Networks          []string // names or ids; none: the one that Nova chooses
	SecurityGroups    []string // names or ids; none: a temporary one that lets the tested ports in
	FloatingIPNetwork string   // name or id; "": the server's own address is connected to
	AvailabilityZone  string
	UserData          string
	ConfigDrive       bool

	SSHUser     string   // log in as this user, with a key that Nova injects
	SSHPort     int      // default 22
	SSHCommands []string // that have to end with 0, in order
	Console     string   // regular expression that a line of the console log matches
	Ports       []int    // TCP ports that accept connections
	CloudInit   bool     // cloud-init has to end, without an error

	Timeout        time.Duration // for the server to boot and show all signs; default 10 minutes
	CleanupTimeout time.Duration // default 5 minutes
	Again          bool          // test an image that has passed this test already

	// Unmarked leaves the image without the result, for tests of something else than the image.
	Unmarked bool `json:",omitempty"`
	// Names are what messages call commands that are long scripts.
	Names map[string]string `json:"-"`
	// Heard gets what each command says; Seen, the server when all signs are there. Both may be nil.
	Heard func(command, output string)                                      `json:"-"`
	Seen  func(ctx context.Context, server *servers.Server, address string) `json:"-"`
}

func (o Options) withDefaults() Options {
	if o.SSHPort == 0 {
		o.SSHPort = 22
	}
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Minute
	}
	if o.CleanupTimeout == 0 {
		o.CleanupTimeout = 5 * time.Minute
	}
	return o
}

// Longest is how long a test takes at most, with removing what it made.
func (o Options) Longest() time.Duration {
	o = o.withDefaults()
	return o.Timeout + o.CleanupTimeout
}

const maxPort = 65535

// Validate checks the options without asking the cloud. Errors begin with the option.
func (o Options) Validate() []error {
	var errs []error
	bad := func(option, format string, args ...any) { errs = append(errs, fault.Bad(option, "", format, args...)) }
	if o.Flavor == "" {
		errs = append(errs, fault.Bad("flavor", "name the flavor to boot the server with", "it is empty"))
	}
	if o.SSHUser == "" && o.Console == "" && len(o.Ports) == 0 && !o.CloudInit {
		errs = append(errs, fault.New(fault.Usage, "", "nothing says how the server shows that it works; set %s, %s, %s or %s",
			fault.Option("ssh_user"), fault.Option("console"), fault.Option("port"), fault.Option("cloud_init")))
	}
	if len(o.SSHCommands) > 0 && o.SSHUser == "" {
		bad("ssh_command", "set %s, too: commands are run over SSH", fault.Option("ssh_user"))
	}
	for option, list := range map[string][]string{
		"ssh_command": o.SSHCommands, "network": o.Networks, "security_group": o.SecurityGroups,
	} {
		if slices.ContainsFunc(list, func(s string) bool { return strings.TrimSpace(s) == "" }) {
			bad(option, "one of the values is empty")
		}
	}
	if _, err := regexp.Compile(o.Console); err != nil {
		bad("console", "%w", err)
	}
	for _, p := range o.Ports {
		if p < 1 || p > maxPort {
			bad("port", "%d is not a port; use 1 to %d", p, maxPort)
		}
	}
	if o.SSHPort < 0 || o.SSHPort > maxPort {
		bad("ssh_port", "%d is not a port; use 1 to %d", o.SSHPort, maxPort)
	}
	if o.Timeout < 0 {
		bad("timeout", "%s is negative", o.Timeout)
	}
	if o.CleanupTimeout < 0 {
		bad("cleanup_timeout", "%s is negative", o.CleanupTimeout)
	}
	return errs
}

// tested are the ports that have to be reachable.
func (o Options) tested() []int {
	all := slices.Clone(o.Ports)
	if o.SSHUser != "" {
		all = append(all, o.SSHPort)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Signs are the signs of life that are waited for, for people.
func (o Options) Signs() []string {
	o = o.withDefaults()
	var all []string
	if o.SSHUser != "" {
		all = append(all, fmt.Sprintf("SSH as %s on port %d", o.SSHUser, o.SSHPort))
	}
	if o.CloudInit {
		all = append(all, "cloud-init has ended")
	}
	for _, c := range o.SSHCommands {
		all = append(all, o.called(c))
	}
	for _, p := range o.Ports {
		all = append(all, fmt.Sprintf("port %d", p))
	}
	if o.Console != "" {
		all = append(all, "console "+o.Console)
	}
	return all
}

// called is what messages call a command: its name, or its first line.
func (o Options) called(command string) string {
	if name := o.Names[command]; name != "" {
		return name
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(command), "\n")
	if strings.TrimSpace(rest) != "" {
		first += " ..."
	}
	return "command " + first
}

// digest identifies what is tested: this image, and how.
func (o Options) digest() string {
	o = o.withDefaults()
	o.Timeout, o.CleanupTimeout, o.Again = 0, 0, false
	text, _ := json.Marshal(o) // texts, numbers and lists
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// ParsePort reads the number of a port.
func ParsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > maxPort {
		return 0, fault.Bad("port", "", "%q is not a port; use 1 to %d", text, maxPort)
	}
	return port, nil
}
