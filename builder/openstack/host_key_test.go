package openstack

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"net"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/multistep"
	"golang.org/x/crypto/ssh"
)

// A server with both kinds of key is asked for the one that Dropbear really has.
func TestHostKeyPreferred(t *testing.T) {
	t.Parallel()
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
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
	var shown string
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
	if shown != ssh.KeyAlgoED25519 {
		t.Errorf("the server was asked for its %s key", shown)
	}
}
