// Package rabbittest starts RabbitMQ servers for tests: Debian's, on loopback, in folders of the test.
package rabbittest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const program = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// Server is a node of RabbitMQ, alone or in a cluster.
type Server struct {
	URL string

	dir, config string
	port        int
	env         []string
	cmd         *exec.Cmd
	ended       chan struct{}
}

// Start starts a server; more is added to its configuration file. The test is skipped where RabbitMQ isn't
// installed.
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs RabbitMQ: install Debian's rabbitmq-server to test against it")
	}
	return start(t, 1, more)[0]
}

// StartCluster starts a cluster of so many nodes.
func StartCluster(t testing.TB, nodes int) []*Server {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs RabbitMQ: install Debian's rabbitmq-server to test against it")
	}
	more := []string{"cluster_formation.peer_discovery_backend = classic_config"}
	for n := range nodes {
		more = append(more, fmt.Sprintf("cluster_formation.classic_config.nodes.%d = %s", n+1, nodeName(n)))
	}
	return start(t, nodes, more)
}

func start(t testing.TB, nodes int, more []string) []*Server {
	t.Helper()
	for try := 1; ; try++ {
		epmd := freePort(t)
		var all []*Server
		var err error
		for n := 0; n < nodes && err == nil; n++ {
			s := configure(t, t.TempDir(), nodeName(n), epmd, more)
			t.Cleanup(s.end)
			all = append(all, s)
			err = s.run(t)
		}
		if err == nil {
			return all
		}
		// Its ports were free, and somebody else may have taken them since.
		if try == 3 {
			t.Fatal(err)
		}
		t.Logf("try %d: %v", try, err)
		for _, s := range all {
			s.end()
		}
	}
}

func nodeName(n int) string { return fmt.Sprintf("test%d@localhost", n) }

// end ends the server, and what it has started.
func (s *Server) end() {
	s.Kill()
	kill := exec.CommandContext(context.Background(), "epmd", "-kill")
	kill.Env = s.env
	_ = kill.Run()
}

var shared struct {
	sync.Mutex
	server *Server
}

// Shared is a server for all tests of a package that neither kill it nor configure it; they need queues of their own.
// The package's TestMain calls EndShared.
func Shared(t testing.TB) *Server {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs RabbitMQ: install Debian's rabbitmq-server to test against it")
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		return shared.server
	}
	dir, err := os.MkdirTemp("", "rabbittest") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatal(err)
	}
	s := configure(t, dir, nodeName(0), freePort(t), nil)
	if err := s.run(t); err != nil {
		s.end()
		t.Fatal(err)
	}
	shared.server = s
	return s
}

// EndShared ends the shared server, if there is one.
func EndShared() {
	if s := shared.server; s != nil {
		s.end()
		_ = os.RemoveAll(s.dir)
	}
}

// cookie is what the nodes of a cluster know each other by.
const cookie = "IMGCTLTESTS"

// configure is a server that hasn't been started, on ports of its own.
func configure(t testing.TB, dir, name string, epmd int, more []string) *Server {
	t.Helper()
	s := &Server{dir: dir, config: filepath.Join(dir, "rabbitmq.conf"), port: freePort(t)}
	s.URL = fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", s.port)
	lines := append([]string{
		fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d", s.port), "disk_free_limit.absolute = 10MB", "log.console.level = warning",
	}, more...)
	write(t, s.config, strings.Join(lines, "\n")+"\n")
	write(t, filepath.Join(dir, "plugins"), "[].\n")
	write(t, filepath.Join(dir, ".erlang.cookie"), cookie)
	s.env = append(os.Environ(),
		"HOME="+dir, "RABBITMQ_NODENAME="+name, "RABBITMQ_MNESIA_BASE="+filepath.Join(dir, "data"),
		"RABBITMQ_LOGS=-", "ERL_CRASH_DUMP="+filepath.Join(dir, "crash.dump"), "RABBITMQ_LOG_BASE="+dir, "RABBITMQ_CONFIG_FILE="+s.config,
		"RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(dir, "plugins"), "ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_EPMD_RELAXED_COMMAND_CHECK=1", // so that end can end it before it has noticed that its nodes are gone
		fmt.Sprintf("ERL_EPMD_PORT=%d", epmd), fmt.Sprintf("RABBITMQ_DIST_PORT=%d", freePort(t)),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} -rabbit channel_tick_interval 1000 +sbwt none",
	)
	return s
}

// Run starts the server anew after Kill, with the data that it had.
func (s *Server) Run(t testing.TB) {
	t.Helper()
	if err := s.run(t); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) run(t testing.TB) error {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.CommandContext(context.Background(), program)
	s.cmd.Env, s.cmd.Stdout, s.cmd.Stderr = s.env, log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.cmd, s.ended)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := amqp.Dial(s.URL)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-s.ended:
			return s.failed("RabbitMQ has ended")
		case <-time.After(200 * time.Millisecond):
		}
	}
	return s.failed("RabbitMQ isn't up in time")
}

func (s *Server) failed(what string) error {
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("%s:\n%s", what, log)
}

// Kill ends the server at once. It forgets quorum queues that are younger than a second or so, since it writes down
// their names only then; see Settle.
func (s *Server) Kill() {
	if s.ended == nil {
		return
	}
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
}

// Settle waits until queues that have just been declared survive a Kill.
func (s *Server) Settle() { <-time.After(3 * time.Second) }

// freePort is a port that nothing listens on, below those that the system gives to connections.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.N(10000) // #nosec G404 -- it is no secret
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
