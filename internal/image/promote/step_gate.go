package promote

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// gateGrace is how long a gate may take to end after it was interrupted.
const gateGrace = 10 * time.Second

// gateStep runs the command that judges the image, and the check. What the command prints is shown line by line.
type gateStep struct{ unchanging }

func (gateStep) doing() string { return "testing the image" }

func (gateStep) do(ctx context.Context, r *run) error {
	if len(r.plan.Options.Gate) > 0 {
		if err := r.gate(ctx); err != nil {
			return err
		}
	}
	if check := r.plan.Options.Check; check != nil {
		return check.Run(ctx, r.plan.Image, r.rep)
	}
	return nil
}

func (r *run) gate(ctx context.Context) error {
	p, rep := r.plan, r.rep
	rep.Step("Asking the gate: %s", strings.Join(p.Options.Gate, " "))
	cmd := exec.CommandContext(ctx, p.Options.Gate[0], p.Options.Gate[1:]...)
	cmd.Dir, cmd.Env = p.Options.GateDir, p.Options.GateEnv
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(slices.Clip(cmd.Env), "IMAGE_ID="+p.Image.ID, "IMAGE_NAME="+p.Name)
	kill := inOwnGroup(cmd)
	cmd.WaitDelay = gateGrace
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, in
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			rep.Step("gate: %s", lines.Text())
		}
		_, _ = io.Copy(io.Discard, out) // a line too long to show must not stop the command
	}()
	err := cmd.Run()
	kill()
	in.Close()
	<-shown
	switch program := p.Options.Gate[0]; {
	case ctx.Err() != nil: // not an answer of the gate's
		return context.Cause(ctx)
	case err == nil:
		return nil
	case cmd.ProcessState == nil:
		return fault.New(fault.Usage, "name a program that can be run; nothing was changed",
			"gate: %q could not be started: %w", program, err)
	default:
		return fault.New(fault.Conflict, "look at what it printed; nothing was changed",
			"gate: %q refused image %s: %w", program, p.Image, err)
	}
}
