// Package control is the protocol between the sandbox process and the agent, process 1 of a guest.
package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// File descriptors that the agent inherits.
const (
	FDExecutable = 3 + iota // the agent's own executable
	FDControl               // its end of the control connection
	FDConfig                // Config as JSON
	FDRoot                  // detached mount of the root file system, where the sandbox process may make one
	FDAgent                 // detached mount of the agent's executable, likewise
	FDLast       = FDAgent
)

// AgentDir is the folder in the guest where the agent lives; a symbolic link into it is never part of a snapshot.
const AgentDir = "/run/imgctl"

// What a message asks for or tells.
const (
	Ready    = "ready"    // agent: the guest is up, connections may be sent
	Failed   = "failed"   // agent: the guest could not be set up, see Error
	Poweroff = "poweroff" // agent: somebody inside turned the machine off; a command inside: do so after Grace
	Reboot   = "reboot"   // agent: somebody inside asked for a reboot; a command inside: do so after Grace
	SSH      = "ssh"      // host: a client's connection, as the message's file; the text has its address and ours
	Connect  = "connect"  // host: a neighbour's connection, as the message's file; the text has its address and ours
	Dial     = "dial"     // agent: connect the message's file to the neighbour's address in Text
	Stop     = "stop"     // host: end the processes within Grace, then yourself
	Password = "password" // host: set the password in Text for root and the default user

	Run    = "run"    // a command inside: run Text, a RunRequest, with the message's files as its standard files
	Cancel = "cancel" // a command inside: forget a scheduled Poweroff or Reboot
	Signal = "signal" // a command inside: pass the signal whose number is Text
	Exit   = "exit"   // agent: the command ended with the status in Text
)

// AgentSocket takes Poweroff, Reboot and Run from commands inside the guest.
const AgentSocket = AgentDir + "/agent.sock"

// RunRequest is what sudo asks for.
type RunRequest struct {
	User string
	Args []string
	Env  []string
	Dir  string
}

// Message is one thing said. Unused fields are empty.
type Message struct {
	Op    string        `json:"op"`
	Text  string        `json:"text,omitempty"`
	Error string        `json:"error,omitempty"`
	Grace time.Duration `json:"grace,omitempty"`
}

// Config is what the agent has to know to become the guest that was asked for.
type Config struct {
	UUID           string
	Hostname       string
	Addresses      []string          // IP addresses that the guest has on its loopback interface
	SSHPorts       []int             // where it takes SSH inside its own network
	AuthorizedKeys []string          // in authorized_keys format
	Password       string            // of root and the default user; "" = no password log-in
	UserData       []byte            // as given, decoded
	Documents      map[string][]byte // the config drive's files, also served as metadata
	ConfigDrive    bool              // whether the guest has a config drive
	FirstBoot      bool              // whether user data's once-only parts run
	HostKeys       []string          // private keys of the SSH server, PEM
	SingleUser     bool              // only one user id is mapped: everybody is root
	HostRoot       bool              // that one is the host's root
	Root           string            // path of the root file system; "" = FDRoot holds it
	Agent          string            // path of the executable; "" = FDAgent holds it
}

const (
	maxMessage = 192 << 10 // below what a socket buffer takes
	maxFiles   = 4
)

// Conn is one side's connection. Send may be called by several goroutines at once, Receive by one.
type Conn struct {
	c *net.UnixConn
}

// NewConn takes over f, a SOCK_SEQPACKET Unix socket.
func NewConn(f *os.File) (*Conn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("opening the control connection: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, errors.New("opening the control connection: not a Unix socket")
	}
	return &Conn{c: u}, nil
}

// Close ends the connection; the other side's Receive answers io.EOF.
func (c *Conn) Close() error { return c.c.Close() }

// Send says m and passes files along; the caller keeps (and closes) its own copies.
func (c *Conn) Send(m Message, files ...*os.File) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding message %q: %w", m.Op, err)
	}
	var oob []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		oob = syscall.UnixRights(fds...)
	}
	if _, _, err := c.c.WriteMsgUnix(b, oob, nil); err != nil {
		return fmt.Errorf("sending message %q: %w", m.Op, err)
	}
	return nil
}

// Receive waits for the next message. The caller closes the files. The error is io.EOF when the other side is gone.
func (c *Conn) Receive() (Message, []*os.File, error) {
	b := make([]byte, maxMessage)
	oob := make([]byte, syscall.CmsgSpace(maxFiles*4))
	n, oobn, _, _, err := c.c.ReadMsgUnix(b, oob)
	if err != nil {
		return Message{}, nil, err
	}
	if n == 0 {
		return Message{}, nil, io.EOF
	}
	files := received(oob[:oobn])
	var m Message
	if err := json.Unmarshal(b[:n], &m); err != nil {
		for _, f := range files {
			f.Close()
		}
		return Message{}, nil, fmt.Errorf("decoding a control message: %w", err)
	}
	return m, files, nil
}

func received(oob []byte) []*os.File {
	var files []*os.File
	parts, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil
	}
	for _, p := range parts {
		fds, err := syscall.ParseUnixRights(&p)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files
}
