// Package guest speaks to the insides of servers: over TCP, and over SSH with a key.
package guest

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Patience is how long one try may take to connect, and to hear the first word.
const Patience = 5 * time.Second

// Dialer connects to a TCP address, HOST:PORT.
type Dialer func(ctx context.Context, address string) (net.Conn, error)

// Direct connects without going through another machine.
func Direct(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: Patience}).DialContext(ctx, "tcp", address)
}

// Try connects once and has check look at the connection.
func Try(ctx context.Context, dial Dialer, address string, check func(net.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*Patience)
	defer cancel()
	conn, err := dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return check(conn)
}

// Open takes any connection.
func Open(net.Conn) error { return nil }

// Greets checks that an SSH server answers: a port that is open early, as behind a load balancer, sends
// nothing.
func Greets(conn net.Conn) error {
	timer := time.AfterFunc(Patience, func() { conn.Close() }) // a connection through SSH has no deadlines
	defer timer.Stop()
	first := make([]byte, 4)
	n, err := conn.Read(first)
	switch {
	case err != nil:
		return fmt.Errorf("the port is open, but no SSH server speaks there: %w", err)
	case n == 0 || first[0] != 'S':
		return fmt.Errorf("the port is open, but it is no SSH server that speaks there: %q", first[:n])
	}
	return nil
}
