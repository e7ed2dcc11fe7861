package sdk_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

var rounds = flag.Int("rounds", 2, "how often 100,000 rows are sent")

func rows(count int64) *pluginv1.Start {
	start := command("trial rows")
	start.Flags = []*pluginv1.FlagValue{{Name: "count", IsSet: true, Value: &pluginv1.FlagValue_IntValue{IntValue: count}}}
	return start
}

func TestNoRowIsLost(t *testing.T) {
	t.Parallel()
	const count = 100_000
	for round := range *rounds {
		p, err := conformance.Start(self(t))
		if err != nil {
			t.Fatal(err)
		}
		stream, err := p.Client.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: rows(count)}}); err != nil {
			t.Fatal(err)
		}
		if got := drain(t, stream, 0); got != count {
			t.Errorf("round %d gave %d rows", round, got)
		}
		p.Kill()
	}
}

// A plugin whose host doesn't read waits, and keeps nothing in memory.
func TestASlowHostIsWaitedFor(t *testing.T) {
	t.Parallel()
	const (
		count = 2_000_000 // 220 MB of messages
		limit = 64 << 10  // KiB
	)
	p := plugintest.Start(t, self(t))
	stream, err := p.Client.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pluginv1.HostMessage{Message: &pluginv1.HostMessage_Start{Start: rows(count)}}); err != nil {
		t.Fatal(err)
	}
	if first, err := stream.Recv(); err != nil || first.GetRow() == nil {
		t.Fatalf("the first message is %v, %v", first, err)
	}
	peak := peakWhenIdle(t, pluginPID(t, p))
	if peak > limit {
		t.Errorf("it took %d KiB of memory while its host didn't read, more than %d", peak, limit)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
}

func drain(t *testing.T, stream interface {
	Recv() (*pluginv1.PluginMessage, error)
}, next int,
) int {
	t.Helper()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return next
		}
		if err != nil {
			t.Fatalf("after %d rows: %v", next, err)
		}
		if row := m.GetRow(); row != nil {
			if n := int(row.GetValues()[0].GetNumberValue()); n != next {
				t.Fatalf("row %d follows row %d", n, next-1)
			}
			next++
		}
	}
}

// pluginPID is the plugin's process: the one of its group that has this executable.
func pluginPID(t *testing.T, p *conformance.Process) string {
	t.Helper()
	for _, pid := range p.Left(t.Context(), 0) {
		if exe, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe"); err == nil && exe == self(t) {
			return strconv.Itoa(pid)
		}
	}
	t.Skip("there is no /proc to see the plugin's memory in")
	return ""
}

var peakRSS = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakWhenIdle is the process's most memory, in KiB, once it has done nothing for a while.
func peakWhenIdle(t *testing.T, pid string) int {
	t.Helper()
	const still = 10
	last, same := "", 0
	for again := time.NewTicker(50 * time.Millisecond); same < still; <-again.C {
		now := cpu(t, pid)
		if now != last {
			same = 0
		}
		last, same = now, same+1
	}
	status, err := os.ReadFile(filepath.Join("/proc", pid, "status"))
	if err != nil {
		t.Fatal(err)
	}
	peak, err := strconv.Atoi(peakRSS.FindStringSubmatch(string(status))[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at most %d KiB", peak)
	return peak
}

// cpu is the time that the process has used, in clock ticks.
func cpu(t *testing.T, pid string) string {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	return after[11] + " " + after[12] // user and system
}
