//go:build unix

package openstack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"
	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/sys/unix"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// newGuests is a world whose servers let SSH in, from an image with nothing but the built-in shell.
func newGuests(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, sandboxtest.WithGuests(t, sandbox.Options{SSHPort: 2222}))
	var empty bytes.Buffer
	if err := tar.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	id, err := w.AddImage(sandbox.Image{Name: "empty", Visibility: sandbox.Private, Project: "demo", Data: empty.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	w.options = with(w.options, map[string]any{
		"communicator": "ssh", "ssh_username": "root", "ssh_port": 2222, "source_image": id, "ssh_timeout": "2m",
	})
	if _, out, err := w.build(t.Context(), map[string]any{"skip_create_image": true}, nil); err != nil {
		sandboxtest.SkipWithoutGuests(t, err.Error())
		t.Fatal(err, out)
	}
	return w
}

// run has a guest run a command, and gives what it printed.
func run(ctx context.Context, comm packersdk.Communicator, command string) (string, error) {
	var out, errOut bytes.Buffer
	cmd := &packersdk.RemoteCmd{Command: command, Stdout: &out, Stderr: &errOut}
	if err := comm.Start(ctx, cmd); err != nil {
		return "", err
	}
	if status := cmd.Wait(); status != 0 {
		return "", errors.New(command + ": " + errOut.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func TestSSH(t *testing.T) {
	w := newGuests(t)
	own, err := sshkey.GeneratePair(sshkey.ED25519, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, own.Private, 0o600); err != nil {
		t.Fatal(err)
	}
	err = keypairs.Create(t.Context(), w.look.compute, keypairs.CreateOpts{Name: "mine", PublicKey: string(own.Public)}).Err
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_AUTH_SOCK", serveAgent(t, own.Private))
	for _, tt := range []struct {
		name  string
		more  map[string]any
		fault sandbox.Rule
		said  string
	}{
		{name: "a temporary ed25519 key", more: map[string]any{"shutdown_command": "poweroff"}, said: "Shutting the server down: poweroff"},
		{name: "a floating IP", more: map[string]any{"floating_ip_network": "public"}, said: "Floating IP 127.78."},
		{
			name: "RSA where the cloud refuses ed25519", said: "refuses ed25519 keys",
			fault: sandbox.Rule{Method: "POST", Path: "/compute/**/os-keypairs", Nth: 1, Fault: sandbox.Status(400)},
		},
		{name: "RSA as asked", more: map[string]any{"temporary_key_pair_type": "rsa", "temporary_key_pair_bits": 2048}},
		{name: "an existing key pair", more: map[string]any{"ssh_keypair_name": "mine", "ssh_private_key_file": file}},
		{name: "an existing key pair of an agent", more: map[string]any{"ssh_keypair_name": "mine", "ssh_agent_auth": true}},
		{name: "from a volume", more: map[string]any{"use_blockstorage_volume": true, "image_disk_format": "raw"}},
		{name: "live", more: map[string]any{"live_snapshot": true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fault.Path != "" {
				w.Faults().Add(tt.fault)
				defer w.Faults().Clear()
			}
			start := time.Now()
			artifact, out, err := w.build(t.Context(), tt.more, func(ctx context.Context, _ packersdk.Ui, comm packersdk.Communicator,
				_ any,
			) error {
				_, err := run(ctx, comm, "echo 'made here' > /etc/made")
				return err
			})
			if err != nil || !strings.Contains(out, tt.said) {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%s", time.Since(start))
			w.keysLeft(out)
			// A server of the image shows what the provisioner wrote.
			_, out, err = w.build(t.Context(), map[string]any{"source_image": artifact.Id(), "skip_create_image": true},
				func(ctx context.Context, _ packersdk.Ui, comm packersdk.Communicator, _ any) error {
					if got, err := run(ctx, comm, "cat /etc/made"); err != nil || got != "made here" {
						t.Errorf("the image has %q, %v", got, err)
					}
					return nil
				})
			if err != nil {
				t.Fatal(err, out)
			}
		})
	}
}

// keysLeft fails where there is more than the key pair that was there before.
func (w *world) keysLeft(out string) {
	w.t.Helper()
	for _, l := range w.left() {
		if l != "key pair mine" {
			w.t.Errorf("left behind: %s\n%s", l, out)
		}
	}
}

// serveAgent is the socket of an SSH agent with one key.
func serveAgent(t *testing.T, private []byte) string {
	t.Helper()
	keys := agent.NewKeyring()
	if private != nil {
		key, err := ssh.ParseRawPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		if err := keys.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = agent.ServeAgent(keys, c)
			}()
		}
	}()
	return l.Addr().String()
}

// A server that nobody can reach is given up in time, with its console and without anything left.
func TestSSHTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{})
	start := time.Now()
	_, out, err := w.build(t.Context(), map[string]any{
		"communicator": "ssh", "ssh_username": "root", "ssh_port": 1, "ssh_timeout": "1s",
	}, nil)
	if err == nil || !strings.Contains(err.Error(), "check security_groups, networks, floating_ip_network and ssh_port") {
		t.Errorf("%v\n%s", err, out)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("took %s", took)
	}
	w.leavesNothing(out)
}

// A provisioner that fails, or is cancelled, leaves nothing; nor does a build cancelled while it
// waits for SSH.
func TestSSHFailures(t *testing.T) {
	w := newGuests(t)
	_, out, err := w.build(t.Context(), nil, func(context.Context, packersdk.Ui, packersdk.Communicator,
		any,
	) error {
		return errors.New("boom")
	})
	if err == nil || err.Error() != "boom" {
		t.Errorf("%v", err)
	}
	w.keysLeft(out)

	ctx, cancel := context.WithCancel(t.Context())
	var at time.Time
	_, out, err = w.build(ctx, nil, func(ctx context.Context, _ packersdk.Ui, comm packersdk.Communicator, _ any) error {
		time.AfterFunc(200*time.Millisecond, func() { at = time.Now(); cancel() })
		_, err := run(ctx, comm, "sleep 600")
		return err
	})
	if took := time.Since(at); err == nil || took > 30*time.Second {
		t.Errorf("%v, %s after the cancellation\n%s", err, took, out)
	}
	w.keysLeft(out)

	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	if _, out, err = w.build(ctx, map[string]any{"ssh_port": 1}, nil); err == nil || time.Since(start) > 30*time.Second {
		t.Errorf("%v after %s\n%s", err, time.Since(start), out)
	}
	w.keysLeft(out)
}

// Waiting costs no CPU, also behind an SSH session that has ended: with golang.org/x/crypto 0.52.0
// the SDK's keep-alive of such a session never comes back and burns a core to the end.
func TestWaitingIsIdle(t *testing.T) {
	w := newGuests(t)
	var used time.Duration
	_, out, err := w.build(t.Context(), map[string]any{"skip_create_image": true, "ssh_keep_alive_interval": "100ms"},
		func(ctx context.Context, _ packersdk.Ui, comm packersdk.Communicator, _ any) error {
			if _, err := run(ctx, comm, "true"); err != nil {
				return err
			}
			before := cpu(t)
			time.Sleep(time.Second) // ten keep-alives, of which a spinning one would use most
			used = cpu(t) - before
			return nil
		})
	if err != nil {
		t.Fatal(err, out)
	}
	if used > 300*time.Millisecond {
		t.Errorf("%s of CPU in a second of waiting", used)
	}
}

// cpu is what the process has used so far.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Each request about the key pair fails in each way; the build lets itself in or leaves nothing.
func TestKeyPairFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("left out by -short: builds many images")
	}
	w := newGuests(t)
	for _, kind := range []sandbox.Fault{
		sandbox.Status(409), sandbox.StatusAfter(500), sandbox.Status(503),
		{Do: sandbox.DropBefore},
		{Do: sandbox.DropAfter},
	} {
		for _, method := range []string{"POST", "DELETE"} {
			var hit atomic.Bool
			kind.Before = func(*http.Request) { hit.Store(true) }
			w.Faults().Add(sandbox.Rule{Method: method, Path: "/compute/**/os-keypairs**", Nth: 1, Fault: kind})
			_, out, err := w.build(t.Context(), map[string]any{"skip_create_image": true}, nil)
			w.Faults().Clear()
			if !hit.Load() {
				t.Fatalf("%s of %s never happened: %v\n%s", kind, method, err, out)
			}
			if left := w.left(); len(left) > 0 {
				t.Errorf("%s of %s left %v: %v\n%s", kind, method, left, err, out)
			}
		}
	}
}
