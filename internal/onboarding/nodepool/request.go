package nodepool

import (
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Request is what a provider is to offer, as a file of the user's says it.
type Request struct {
	Provider       string // default: the cloud's name and the region's
	Pool           string // default: main
	Networks       []string
	SecurityGroups []string
	Zones          []string
	KeyName        string
	// FloatingIPs says whether each server gets a floating IP; "" is found out by the networks.
	FloatingIPs string
	ConfigDrive bool
	Headroom    int // servers fewer than the quotas allow
	Labels      []Wanted
}

// Wanted is a label, and what its servers need.
type Wanted struct {
	Name                  string
	DiskImage, CloudImage string // one of them; default: the diskimage of the label's name
	RAM, VCPUs, Disk      int    // MiB, cores, GiB
	FlavorName            string // a part of the flavor's name
	KeyName               string
	ConsoleLog            bool
	line, column          int
}

// What floating IPs may be.
const (
	Always = "always"
	Never  = "never"
)

// defaults of a label, which suit CI of OpenDev's kind.
const (
	defaultRAM  = 8000 // some clouds' 8 GiB are a little less than 8192 MiB
	defaultDisk = 80
)

// ReadRequest reads a file of labels. Errors name their line and column.
func ReadRequest(path string) (*Request, error) {
	top, err := foreignfile.Read(path, "labels:")
	if err != nil {
		return nil, err
	}
	return request(top)
}

// ParseRequest is ReadRequest of a text.
func ParseRequest(text []byte) (*Request, error) {
	top, err := foreignfile.Parse(text, "labels:")
	if err != nil {
		return nil, err
	}
	return request(top)
}

func request(top *foreignfile.Node) (*Request, error) {
	r := &Request{Pool: "main"}
	err := top.Map(foreignfile.Keys{
		"provider": foreignfile.Text(&r.Provider), "pool": foreignfile.Text(&r.Pool), "networks": foreignfile.Texts(&r.Networks),
		"security-groups": foreignfile.Texts(&r.SecurityGroups), "availability-zones": foreignfile.Texts(&r.Zones),
		"key-name": foreignfile.Text(&r.KeyName), "floating-ips": foreignfile.OneOf(&r.FloatingIPs, Always, Never),
		"config-drive": foreignfile.Bool(&r.ConfigDrive), "headroom": foreignfile.Int(&r.Headroom, 0),
		"labels": foreignfile.Some(func(n *foreignfile.Node) error {
			w := Wanted{RAM: defaultRAM, Disk: defaultDisk, line: n.Line, column: n.Column}
			if err := n.Map(foreignfile.Keys{
				"name": foreignfile.Text(&w.Name), "diskimage": foreignfile.Text(&w.DiskImage),
				"cloud-image": foreignfile.Text(&w.CloudImage),
				"min-ram":     foreignfile.Int(&w.RAM, 1), "min-vcpus": foreignfile.Int(&w.VCPUs, 1), "min-disk": foreignfile.Int(&w.Disk,
					0),
				"flavor-name": foreignfile.Text(&w.FlavorName), "key-name": foreignfile.Text(&w.KeyName),
				"console-log": foreignfile.Bool(&w.ConsoleLog),
			}, "name"); err != nil {
				return err
			}
			switch {
			case w.DiskImage != "" && w.CloudImage != "":
				return n.Errorf("diskimage and cloud-image exclude each other")
			case w.DiskImage == "" && w.CloudImage == "":
				w.DiskImage = w.Name
			}
			if slices.ContainsFunc(r.Labels, func(o Wanted) bool { return o.Name == w.Name }) {
				return n.Errorf("there is another label %q", w.Name)
			}
			r.Labels = append(r.Labels, w)
			return nil
		}),
	}, "labels")
	if err != nil {
		return nil, err
	}
	for _, list := range [][]string{r.Networks, r.SecurityGroups, r.Zones} {
		if slices.Contains(list, "") {
			return nil, fault.New(fault.Usage, "", "a name is empty")
		}
	}
	return r, nil
}

// CheckRegions checks the regions to write a provider for: each gives one of its own name.
func (r *Request) CheckRegions(regions []string) error {
	if len(regions) > 1 && r.Provider != "" {
		return fault.Bad("region", "leave provider out of the file of labels", "several regions can't have one provider's name")
	}
	for n, region := range regions {
		if slices.Contains(regions[:n], region) {
			return fault.Bad("region", "give each region once", "%q is given twice", region)
		}
	}
	return nil
}
