package check

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

//go:embed opendev.yaml
var opendev []byte

// OpenDev is the name of the shipped profile.
const OpenDev = "opendev"

// Profile is what a cloud has to have.
type Profile struct {
	Name     string
	Test     Test
	Mirror   Mirror
	API      API
	KeyPairs []KeyPair           // of both projects, once the cloud is launched
	Severity map[string]Severity // by check
}

// Test is what the project of the test nodes needs.
type Test struct {
	Nodes            int
	RAM, VCPUs, Disk int // of a node: MiB, and GiB in the flavor or on a volume
	Images           int
	ImageSize        int64 // bytes
	SparePorts       int   // besides one of each node
	GroupRules, Keys int
	Egress           string // a host that nodes have to reach on port 443; "none" for none
}

// Mirror is what the project of the region's mirror needs.
type Mirror struct {
	Instances        int
	RAM, VCPUs, Disk int
	Cache            int    // GiB on a volume, or in the flavor
	Name             string // of its host; {region} and {cloud} stand for theirs
}

// API is how well the cloud has to answer.
type API struct {
	Calls       int
	Latency     time.Duration // of 95 of 100 calls
	Certificate time.Duration // that certificates are still valid
}

// KeyPair is a key pair that has to be there; an empty Fingerprint is any.
type KeyPair struct{ Name, Fingerprint string }

// Shipped is the profile of that name, nil if there is none.
func Shipped(name string) *Profile {
	if name != OpenDev {
		return nil
	}
	top, err := foreignfile.Parse(opendev, "name: NAME")
	if err == nil {
		p := &Profile{Severity: map[string]Severity{}}
		if p, err = readProfile(p, top); err == nil {
			return p
		}
	}
	panic(err) // the file is this package's own
}

// ReadProfile reads a file of requirements. What it leaves out is as in the profile opendev.
func ReadProfile(path string) (*Profile, error) {
	top, err := foreignfile.Read(path, "name: NAME")
	if err != nil {
		return nil, err
	}
	return readProfile(Shipped(OpenDev), top)
}

// ParseProfile is ReadProfile of a file's text.
func ParseProfile(text []byte) (*Profile, error) {
	top, err := foreignfile.Parse(text, "name: NAME")
	if err != nil {
		return nil, err
	}
	return readProfile(Shipped(OpenDev), top)
}

// Limits of the numbers of a profile, so that products of two don't overflow.
const (
	maxNumber = 1_000_000_000
	maxBytes  = 1 << 50
)

func readProfile(p *Profile, top *foreignfile.Node) (*Profile, error) {
	err := top.Map(foreignfile.Keys{
		"name": foreignfile.Text(&p.Name), "test": p.Test.read, "mirror": p.Mirror.read, "api": p.API.read,
		"key_pairs": p.readKeyPairs, "severity": p.readSeverity,
	}, "name")
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", err)
	}
	return p, nil
}

func number(into *int, least int) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		if err := foreignfile.Int(into, least)(n); err != nil {
			return err
		}
		if *into > maxNumber {
			return n.Errorf("more than %d is not possible", maxNumber)
		}
		return nil
	}
}

func (t *Test) read(n *foreignfile.Node) error {
	return n.Map(foreignfile.Keys{
		"nodes": number(&t.Nodes, 1), "ram": number(&t.RAM, 1), "vcpus": number(&t.VCPUs, 1), "disk": number(&t.Disk, 1),
		"images": number(&t.Images, 0), "image_size": size(&t.ImageSize), "spare_ports": number(&t.SparePorts, 0),
		"security_group_rules": number(&t.GroupRules, 0), "key_pairs": number(&t.Keys, 0), "egress": host(&t.Egress),
	})
}

func (m *Mirror) read(n *foreignfile.Node) error {
	return n.Map(foreignfile.Keys{
		"instances": number(&m.Instances, 0), "ram": number(&m.RAM, 1), "vcpus": number(&m.VCPUs, 1), "disk": number(&m.Disk, 0),
		"cache": number(&m.Cache, 0), "name": host(&m.Name),
	})
}

func (a *API) read(n *foreignfile.Node) error {
	return n.Map(foreignfile.Keys{
		"calls": calls(&a.Calls), "latency": duration(&a.Latency), "certificate": duration(&a.Certificate),
	})
}

// maxCalls keeps a profile from being used to flood a cloud.
const maxCalls = 200

func calls(into *int) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		if err := foreignfile.Int(into, 1)(n); err != nil {
			return err
		}
		if *into > maxCalls {
			return n.Errorf("more than %d calls are too many", maxCalls)
		}
		return nil
	}
}

func size(into *int64) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		if err := foreignfile.Bytes(into)(n); err != nil {
			return err
		}
		if *into > maxBytes {
			return n.Errorf("more than %d bytes is not possible", int64(maxBytes))
		}
		return nil
	}
}

func duration(into *time.Duration) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		var span quantity.Span
		if err := foreignfile.Span(&span)(n); err != nil {
			return err
		}
		*into = span.Length()
		return nil
	}
}

// host reads a name of DNS, without what a shell or a URL takes for something else.
func host(into *string) foreignfile.Reader {
	return func(n *foreignfile.Node) error {
		var text string
		if err := foreignfile.Text(&text)(n); err != nil {
			return err
		}
		bare := strings.NewReplacer("{region}", "r", "{cloud}", "c").Replace(text)
		if len(text) > 253 || strings.Trim(strings.ToLower(bare), "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || bare[0] == '-' {
			return n.Errorf("%q is not the name of a host", text)
		}
		*into = text
		return nil
	}
}

func (p *Profile) readKeyPairs(n *foreignfile.Node) error {
	p.KeyPairs = nil
	return foreignfile.Each(func(n *foreignfile.Node) error {
		var k KeyPair
		err := n.Map(foreignfile.Keys{"name": foreignfile.Text(&k.Name), "fingerprint": foreignfile.Text(&k.Fingerprint)}, "name")
		p.KeyPairs = append(p.KeyPairs, k)
		return err
	})(n)
}

func (p *Profile) readSeverity(n *foreignfile.Node) error {
	return n.Pairs(func(id string, at, value *foreignfile.Node) error {
		if !slices.ContainsFunc(catalogue, func(c *kind) bool { return c.id == id }) {
			return at.Errorf("there is no check %q; known are %s", id, strings.Join(IDs(), ", "))
		}
		var word string
		if err := foreignfile.OneOf(&word, string(Must), string(Warn), string(Info), string(Off))(value); err != nil {
			return err
		}
		p.Severity[id] = Severity(word)
		return nil
	})
}

// GetProfile is the shipped profile of that name, or what the file has.
func GetProfile(nameOrPath string) (*Profile, error) {
	if p := Shipped(nameOrPath); p != nil {
		return p, nil
	}
	p, err := ReadProfile(nameOrPath)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.New(fault.NotFound, fmt.Sprintf("name a file, or the shipped profile %s", OpenDev), "%w", err)
	}
	return p, err
}
