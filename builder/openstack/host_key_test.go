package openstack

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/crypto/ssh"
)

// A server with a small key and an RSA key is asked for the small one, as Dropbear may not really
// have the other.
func TestHostKeyPreferred(t *testing.T) {
	t.Parallel()
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for want, small := range map[string]any{ssh.KeyAlgoED25519: edwards, ssh.KeyAlgoECDSA256: nist} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if shown := shownHostKey(t, small); shown != want {
				t.Errorf("the server was asked for its %s key", shown)
			}
		})
	}
}

// shownHostKey is the kind of key that a server with an RSA key and this one shows.
func shownHostKey(t *testing.T, small any) (shown string) {
	t.Helper()
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	server := &ssh.ServerConfig{NoClientAuth: true}
	for _, key := range []any{small, large} {
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		server.AddHostKey(signer)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		_, channels, requests, err := ssh.NewServerConn(conn, server)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			_ = c.Reject(ssh.Prohibited, "")
		}
	}()
	config, err := preferEd25519(func(multistep.StateBag) (*ssh.ClientConfig, error) {
		return &ssh.ClientConfig{User: "root", HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			shown = key.Type()
			return nil
		}}, nil
	})(new(multistep.BasicStateBag))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ssh.Dial("tcp", listener.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	return shown
}
