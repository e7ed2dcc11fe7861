package program

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// options are the flags that serve and run share.
type options struct {
	addr, dir  string
	transition time.Duration
	sshPort    int
	faults     string
	images     []string
	noGuests   bool

	requestLog  string
	quotas      []string
	pageSize    int
	clockOffset time.Duration
}

func (o *options) register(f *pflag.FlagSet) {
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback `ADDRESS:PORT` to serve on; port 0 picks a free one")
	f.StringVar(&o.dir, "dir", "", "`FOLDER` for images, volumes and servers (default a temporary one)")
	f.DurationVar(&o.transition, "transition", 0, "`TIME` of each change of state, such as 500ms")
	f.IntVar(&o.sshPort, "ssh-port", 22, "`PORT` of the servers' SSH")
	f.StringVar(&o.faults, "faults", "", "`FILE` with fault rules in YAML")
	f.StringArrayVar(&o.images, "image", []string{"base"},
		"public image to start with: `NAME=FILE` for a tar archive of a root file system, or NAME alone for one with the built-in "+
			"shell; may be repeated")
	f.StringVar(&o.requestLog, "request-log", "", "`FILE` to append each request to, as a line of JSON")
	f.StringArrayVar(&o.quotas, "quota", nil, "quota as `NAME=NUMBER`, -1 for no limit; may be repeated. Names: "+quotaNames())
	f.IntVar(&o.pageSize, "page-size", 0, "maximum page size of all lists, a `NUMBER`; 0 for each service's own")
	f.DurationVar(&o.clockOffset, "clock-offset", 0,
		"`TIME` by which the services' clock is ahead of this machine's, such as 10m; -10m is behind")
	f.BoolVar(&o.noGuests, "no-guests", false, "boot servers as states only, without an inside and without SSH")
}

// start starts a sandbox with the flags' options.
func (o *options) start(ctx context.Context) (*sandbox.Cloud, error) {
	rules, err := o.rules()
	if err != nil {
		return nil, err
	}
	seed := sandbox.DefaultSeed()
	for _, arg := range o.images {
		image, err := readImage(arg)
		if err != nil {
			return nil, err
		}
		seed.Images = append(seed.Images, image)
	}
	agent, err := o.agent()
	if err != nil {
		return nil, err
	}
	if o.dir != "" {
		if err := os.MkdirAll(o.dir, 0o700); err != nil {
			return nil, fmt.Errorf("creating the sandbox's folder: %w", err)
		}
	}
	so := sandbox.Options{
		Addr: o.addr, Dir: o.dir, Transition: o.transition, ClockOffset: o.clockOffset, SSHPort: o.sshPort, Agent: agent, Seed: seed,
	}
	if err := errors.Join(setQuotas(&so, o.quotas), setPageSize(&so, o.pageSize)); err != nil {
		return nil, err
	}
	if o.requestLog != "" {
		log, err := os.OpenFile(o.requestLog, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) // open until this program ends
		if err != nil {
			return nil, fmt.Errorf("opening the log of requests: %w", err)
		}
		so.RequestLog = log
	}
	c, err := sandbox.Start(ctx, so)
	if err != nil {
		return nil, err
	}
	c.Faults().Add(rules...)
	return c, nil
}

func (o *options) rules() ([]sandbox.Rule, error) {
	if o.faults == "" {
		return nil, nil
	}
	f, err := os.Open(o.faults)
	if err != nil {
		return nil, fmt.Errorf("reading fault rules: %w", err)
	}
	defer f.Close()
	return sandbox.LoadRules(f)
}

// readImage reads the argument of --image.
func readImage(arg string) (sandbox.Image, error) {
	name, file, ok := strings.Cut(arg, "=")
	image := sandbox.Image{Name: name, Visibility: sandbox.Public}
	if name == "" {
		return image, fmt.Errorf("reading image %q: the name is missing, give NAME=FILE or NAME", arg)
	}
	if !ok {
		var empty bytes.Buffer
		if err := tar.NewWriter(&empty).Close(); err != nil {
			return image, err
		}
		image.Data = empty.Bytes()
		return image, nil
	}
	image.File = file
	return image, nil
}

// agent is the path of this program, if it can be the servers' init.
func (o *options) agent() (string, error) {
	if o.noGuests {
		return "", nil
	}
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding this program's path: %w", err)
	}
	f, err := elf.Open(self)
	if err != nil {
		return "", fmt.Errorf("servers with an inside need Linux: use --no-guests (%w)", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return "", errors.New("this program is linked dynamically, so it can't run inside a server: build it with CGO_ENABLED=0, " +
				"or use --no-guests")
		}
	}
	return self, nil
}

// needsPrivilege reports whether the servers' SSH port is one that this process may not bind.
func (o *options) needsPrivilege(ctx context.Context) bool {
	if o.noGuests {
		return false
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", fmt.Sprintf("127.77.255.254:%d", o.sshPort))
	if err == nil {
		l.Close()
	}
	return errors.Is(err, fs.ErrPermission)
}
