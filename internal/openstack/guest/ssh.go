package guest

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// Key is a new ed25519 key, and its public half as authorized_keys has it. It exists in memory only.
func Key() (key ssh.Signer, public string, err error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	return signer(private)
}

const rsaBits = 3072

// RSAKey is Key for clouds that refuse ed25519.
func RSAKey() (key ssh.Signer, public string, err error) {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	return signer(private)
}

func signer(private crypto.Signer) (key ssh.Signer, public string, err error) {
	if key, err = ssh.NewSignerFromSigner(private); err != nil {
		return nil, "", fmt.Errorf("making a key: %w", err)
	}
	return key, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey()))), nil
}

// Login logs in to a server that was booted for this run, whose host key nobody knows yet.
func Login(ctx context.Context, dial Dialer, address, user string, key ssh.Signer) (*ssh.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 4*Patience)
	defer cancel()
	conn, err := dial(ctx, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	anyHost := ssh.InsecureIgnoreHostKey() // #nosec G106 -- the server has just been made; it holds no secret
	c, channels, requests, err := ssh.NewClientConn(conn, address, &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)}, HostKeyCallback: anyHost, HostKeyAlgorithms: HostKeys(), Timeout: Patience,
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return ssh.NewClient(c, channels, requests), nil
}

// HostKeys are the algorithms of host keys to ask for: ed25519 first, RSA last. Dropbear offers an RSA key even
// if it has none, and drops clients that prefer it, as Go's may.
func HostKeys() []string {
	all := ssh.SupportedAlgorithms().HostKeys
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(hostKeyRank(a), hostKeyRank(b)) })
	return all
}

func hostKeyRank(algorithm string) int {
	switch {
	case algorithm == ssh.KeyAlgoED25519:
		return 0
	case !strings.Contains(algorithm, "rsa"):
		return 1
	}
	return 2
}

// mostOutput is how much of a command's output is kept: its end.
const mostOutput = 64 << 10

// ExitError says that a command ended, but not with 0.
type ExitError struct {
	Status int
	Output string // the end of what it printed
}

// Error is the status, and the last lines of the output.
func (e *ExitError) Error() string {
	text := fmt.Sprintf("exit status %d", e.Status)
	if e.Output != "" {
		text += ": " + e.Output
	}
	return text
}

// Run runs a command and returns what it printed, of which it keeps the end. A command that ends with another
// status than 0 is an *ExitError.
func Run(ctx context.Context, client *ssh.Client, command string) (string, error) {
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() {
		_ = session.Signal(ssh.SIGTERM)
		time.AfterFunc(time.Second, func() { client.Close() }) // a server that doesn't answer any more
	})
	defer stop()
	var out tail
	session.Stdout, session.Stderr = &out, &out
	err = session.Run(command)
	if ctx.Err() != nil {
		return out.String(), context.Cause(ctx)
	}
	if ended, ok := errors.AsType[*ssh.ExitError](err); ok {
		return out.String(), &ExitError{ended.ExitStatus(), out.String()}
	}
	return out.String(), err
}

// tail keeps the end of what is written to it, from several sides.
type tail struct {
	mu  sync.Mutex
	end bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.end.Write(b)
	if over := t.end.Len() - mostOutput; over > 0 {
		t.end.Next(over)
	}
	return n, err
}

// String is the text without white space around it.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.end.String())
}
