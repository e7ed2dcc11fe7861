package boottest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/guest"
)

// cloudInitEnd is cloud-init's last line on the console.
var cloudInitEnd = regexp.MustCompile(`(?m)^.*Cloud-init v\. .* finished at `)

// cloudInitResult is where cloud-init writes how it ended, once it has.
const cloudInitResult = "/run/cloud-init/result.json"

// overSSH logs in, waits for cloud-init where that was asked for, and runs the commands. A connection that breaks
// is made again, and the commands are run again; a command that ends with another status than 0 ends the test.
func (t *trial) overSSH(ctx context.Context) (there bool, last, err error) {
	address, err := t.reachable(ctx)
	if err != nil {
		return false, err, nil
	}
	o := t.Options
	at := net.JoinHostPort(address, strconv.Itoa(o.SSHPort))
	t.waiting.Do(func() { t.rep.Step("Waiting for SSH at %s", at) })
	client, err := guest.Login(ctx, guest.Direct, at, o.SSHUser, t.key)
	if err != nil {
		return false, fmt.Errorf("SSH at %s: %w", address, err), nil
	}
	defer client.Close()
	if o.CloudInit {
		if ended, last, err := cloudInit(ctx, client); !ended {
			return false, last, err
		}
	}
	for _, command := range o.SSHCommands {
		out, err := guest.Run(ctx, client, command)
		if ended, ok := errors.AsType[*guest.ExitError](err); ok {
			return false, nil, &Failure{Err: fmt.Errorf("%s: %w", o.called(command), ended)}
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", o.called(command), err), nil
		}
		if o.Heard != nil {
			o.Heard(command, out)
			continue
		}
		for line := range strings.Lines(out) {
			t.rep.Step("server: %s", strings.TrimRight(line, "\r\n"))
		}
	}
	return true, nil, nil
}

// cloudInit looks whether cloud-init has ended, and how.
func cloudInit(ctx context.Context, client *ssh.Client) (ended bool, last, err error) {
	text, err := guest.Run(ctx, client, "cat "+cloudInitResult)
	if err != nil {
		return false, fmt.Errorf("cloud-init hasn't ended: %w", err), nil
	}
	var result struct {
		V1 struct {
			Errors []string `json:"errors"`
		} `json:"v1"`
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		return false, fmt.Errorf("cloud-init hasn't ended: reading %s: %w", cloudInitResult, err), nil
	}
	if len(result.V1.Errors) > 0 {
		return false, nil, &Failure{Err: fmt.Errorf("cloud-init reports errors: %s", strings.Join(result.V1.Errors, "; "))}
	}
	return true, nil, nil
}
