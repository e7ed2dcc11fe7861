//go:build linux

package agent

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

// hostKeys are the parsed keys of the SSH server.
var hostKeys []ssh.Signer

// noSSH is the file with which an image keeps Debian's SSH server from starting.
const noSSH = "/etc/ssh/sshd_not_to_be_run"

// listenSSH readies the SSH server; its connections come from the host, see serveSSH.
func (a *agent) listenSSH() error {
	if _, err := os.Lstat(noSSH); err == nil {
		a.noSSH = true
		a.console.Printf("sshd: not started: %s exists", noSSH)
		return nil
	}
	a.console.Printf("-----BEGIN SSH HOST KEY FINGERPRINTS-----")
	for _, pem := range a.cfg.HostKeys {
		s, err := ssh.ParsePrivateKey([]byte(pem))
		if err != nil {
			return fmt.Errorf("reading an SSH host key: %w", err)
		}
		hostKeys = append(hostKeys, s)
		a.console.Printf("%s %s", ssh.FingerprintSHA256(s.PublicKey()), s.PublicKey().Type())
	}
	a.console.Printf("-----END SSH HOST KEY FINGERPRINTS-----")
	return nil
}

const loginTimeout = 2 * time.Minute

var errRefused = errors.New("permission denied")

func (a *agent) sshConfig() *ssh.ServerConfig {
	c := &ssh.ServerConfig{ServerVersion: "SSH-2.0-imgctl_sandbox", MaxAuthTries: 20}
	c.PublicKeyCallback = func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if a.users.mayLogIn(m.User(), key) {
			return nil, nil
		}
		return nil, errRefused
	}
	if a.passwords() {
		c.PasswordCallback = func(m ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if a.passwordFits(m.User(), string(given)) {
				return nil, nil
			}
			return nil, errRefused
		}
	}
	for _, k := range hostKeys {
		c.AddHostKey(k)
	}
	return c
}

// addressed is a stream that stands for a TCP connection.
type addressed struct {
	net.Conn
	remote, local net.Addr
}

func (c addressed) RemoteAddr() net.Addr { return c.remote }
func (c addressed) LocalAddr() net.Addr  { return c.local }

// serveSSH serves one client through a stream. The text has the client's address and the one it connected to.
func (a *agent) serveSSH(f *os.File, addresses string) {
	if a.noSSH {
		f.Close()
		return
	}
	stream, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return
	}
	a.serveClient(named(stream, addresses))
}

func (a *agent) serveClient(raw net.Conn) {
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(loginTimeout))
	conn, channels, requests, err := ssh.NewServerConn(raw, a.sshConfig())
	if err != nil {
		return
	}
	_ = raw.SetDeadline(time.Time{})
	acc, ok := a.users.find(conn.User())
	if !ok {
		return
	}
	go ssh.DiscardRequests(requests) // answers keep-alives
	for c := range channels {
		switch c.ChannelType() {
		case "session":
			go a.serveSession(conn, c, acc)
		case "direct-tcpip":
			go a.forward(c)
		default:
			_ = c.Reject(ssh.UnknownChannelType, "unknown channel type")
		}
	}
}

// serveSession serves one channel on which a command or a shell runs.
func (a *agent) serveSession(conn *ssh.ServerConn, c ssh.NewChannel, acc userland.User) {
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	s := &session{agent: a, conn: conn, ch: ch, user: acc, env: environment(acc), answered: make(chan struct{})}
	s.serve(requests)
}
