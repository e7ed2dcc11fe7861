package sdk

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/stats"
)

const (
	// firstCall is how long a plugin waits for the host's connection after the handshake.
	firstCall = 30 * time.Second
	// overtime is how long a command may take to return after its time to clean up is over.
	overtime = 10 * time.Second
)

// life ends the process when the host is gone: go-plugin's server would stay for ever when its host
// was killed. It sees the host's connections as gRPC's stats handler.
type life struct {
	exit func(status int)

	mu          sync.Mutex
	connections int
	commands    int  // that run
	alone       bool // the host is gone
	watch       *time.Timer
}

func newLife(exit func(int)) *life {
	return &life{exit: exit, watch: time.AfterFunc(firstCall, func() { exit(1) })}
}

// begin says that a command runs; the function that it gives, that it has ended.
func (l *life) begin() (end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commands++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.commands--
		l.endIfIdle()
	}
}

// HandleConn counts connections. After the last, running commands may clean up.
func (l *life) HandleConn(_ context.Context, s stats.ConnStats) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s.(type) {
	case *stats.ConnBegin:
		l.connections++
		l.watch.Stop()
	case *stats.ConnEnd:
		l.connections--
		if l.connections == 0 {
			l.alone = true
			time.AfterFunc(grace+overtime, func() { l.exit(1) })
			l.endIfIdle()
		}
	}
}

func (l *life) endIfIdle() {
	if l.alone && l.commands == 0 {
		l.exit(0)
	}
}

// TagConn, TagRPC and HandleRPC complete stats.Handler.
func (*life) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

// TagRPC is part of stats.Handler.
func (*life) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC is part of stats.Handler.
func (*life) HandleRPC(context.Context, stats.RPCStats) {}
