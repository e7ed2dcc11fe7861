package check

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Active is how an active check tries things: it uploads two small images, and boots a server.
type Active struct {
	Run cloud.Run // of this check alone

	Image   string // name or id of the server's; "" is one whose user is known
	SSHUser string // whom it lets in; "" is the image's usual user
	SSHPort int    // default 22
	Flavor  string // name or id; "" is the one that fits the nodes
	Network string // name or id of the server's; "" is what Nova would choose

	Timeout        time.Duration // for the server to answer; default 10 minutes
	CleanupTimeout time.Duration // default 5 minutes
}

// Defaults of an active check.
const (
	DefaultTimeout = 10 * time.Minute
	cleanupTime    = 5 * time.Minute
	sshPort        = 22
)

func (a Active) complete() *Active {
	if a.Run == "" {
		a.Run = cloud.NewRun()
	}
	if a.SSHPort == 0 {
		a.SSHPort = sshPort
	}
	if a.Timeout == 0 {
		a.Timeout = DefaultTimeout
	}
	if a.CleanupTimeout == 0 {
		a.CleanupTimeout = cleanupTime
	}
	return &a
}

// Longest is how long an active check takes at most in one region, with removing what it made.
func (a Active) Longest() time.Duration {
	c := a.complete()
	return c.Timeout + 2*c.CleanupTimeout + slack
}

// slack is what a check may take beyond its timeouts.
const slack = 10 * time.Minute

// deadline is when what the check made is left over.
func (a *Active) deadline(c *cloud.Cloud) time.Time { return c.Now().Add(a.Longest()) }

// try tries images and a server in one region at once. The error is about what is left.
func (e *env) try(ctx context.Context, rep report.Reporter) error {
	a := e.o.Active
	if e.test.there == nil {
		return nil
	}
	rep.Step("Active check, run %s", a.Run)
	var both sync.WaitGroup
	var imagesLeft, serverLeft error
	both.Go(func() {
		var f finding
		f, imagesLeft = e.tryImages(ctx, rep)
		e.uploaded = whole(ctx, f)
	})
	both.Go(func() {
		var f finding
		f, serverLeft = e.tryServer(ctx, rep)
		e.booted = whole(ctx, f)
	})
	both.Wait()
	left := errors.Join(imagesLeft, serverLeft)
	if left == nil {
		return nil
	}
	return fault.Wrap(fault.Partial, fault.Advise("remove the rest with %s", fault.Do("sweep", "").With("run", string(a.Run)).
		With("apply", true)), fmt.Errorf("the active check couldn't remove all that it made: %w", left))
}
