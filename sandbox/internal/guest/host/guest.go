// Package host makes a server a real place: a root file system unpacked from an image, processes that live in name
// spaces of their own, SSH, metadata, and the way back into an image.
//
// The host side, in the sandbox process, is Boot and Guest. The other side is the agent: the same static executable,
// started as pid 1 of the guest, whose main calls Main.
package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
)

// Config says which guest to boot. Dir and Agent are required.
type Config struct {
	// Dir is the instance's folder: the root file system is in Dir/root (see Unpack), the console's log in
	// Dir/console.log, and what has to survive a reboot without being part of the image in Dir/state.
	Dir string
	// Agent is the path of a static executable whose main function starts with a call of Main.
	Agent string

	UUID     string
	Name     string
	Hostname string // default: Name made fit for a host name
	// Address is the guest's first IPv4 address; Networks has all.
	Address string
	// SSHPort is where neighbours find the guest's SSH, besides 22.
	SSHPort int
	// Neighbour finds the guest that has an address, nil if there is none; nil = no neighbours.
	Neighbour func(address string) *Guest
	// Keys are public keys in authorized_keys format that may log in, by name.
	Keys map[string]string
	// Password, if set, may be used by root and the image's users to log in.
	Password string
	// UserData as decoded: a script with "#!", "#cloud-config", a multi-part archive, possibly gzipped.
	UserData []byte
	// Meta is the server's metadata.
	Meta             map[string]string
	AvailabilityZone string
	ProjectID        string
	Networks         []Network
	// ConfigDrive shows the documents below /run/config-drive.
	ConfigDrive bool
}

// Network is one of the guest's interfaces, as the metadata tells it.
type Network struct {
	ID      string
	MAC     string
	Address string // IPv4 or IPv6
	CIDR    string
	Gateway string
}

// addresses are the guest's own, each once.
func (c Config) addresses() []string {
	all := []string{c.Address}
	for _, n := range c.Networks {
		all = append(all, n.Address)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(a string) bool { return a == "" })
}

func (c Config) sshPorts() []int {
	if c.SSHPort == 0 || c.SSHPort == 22 {
		return []int{22}
	}
	return []int{22, c.SSHPort}
}

// Root is the folder of the root file system in instance folder dir.
func Root(dir string) string { return filepath.Join(dir, "root") }

// ConsoleLog is the path of the console's log in instance folder dir.
func ConsoleLog(dir string) string { return filepath.Join(dir, "console.log") }

// Event is what a guest did by itself.
type Event string

// What a guest may do by itself.
const (
	Off      Event = "off"      // turned off from the inside
	Rebooted Event = "rebooted" // rebooted from the inside; it is up again
	Crashed  Event = "crashed"  // the agent ended without being asked
)

// ErrUnsupported is what booting a guest answers where the operating system or its settings don't allow it.
var ErrUnsupported = errors.New("guests can't run here")

// packed makes an io.Reader of Pack: reading it to the end is packing.
func packed(ctx context.Context, dir string) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(Pack(ctx, dir, w)) }()
	return r
}

// Image is the root file system of instance folder dir as an image's data, see Pack. Close it.
func Image(ctx context.Context, dir string) io.ReadCloser { return packed(ctx, Root(dir)) }

func (c Config) check() error {
	switch {
	case c.Dir == "":
		return fmt.Errorf("booting guest %q: no instance folder", c.UUID)
	case c.Agent == "":
		return fmt.Errorf("booting guest %q: no agent executable", c.UUID)
	}
	return nil
}
