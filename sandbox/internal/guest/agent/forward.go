//go:build linux

package agent

import (
	"io"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// forward connects a client to an address in the guest's own network, or to a neighbour's.
func (a *agent) forward(c ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}
	if err := ssh.Unmarshal(c.ExtraData(), &to); err != nil {
		_ = c.Reject(ssh.ConnectionFailed, "malformed request")
		return
	}
	target, err := a.dial(net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = c.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer target.Close()
	ch, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	go ssh.DiscardRequests(requests)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(target, ch)
		if t, ok := target.(interface{ CloseWrite() error }); ok {
			_ = t.CloseWrite()
		}
	}()
	_, _ = io.Copy(ch, target)
	_ = ch.CloseWrite()
	<-done
}
