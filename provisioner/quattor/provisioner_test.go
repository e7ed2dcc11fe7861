package quattor

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"
)

func TestPrepare(t *testing.T) {
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "")
		}
	}
	url := "http://aquilon.example.com/profiles/{{ .Hostname }}.json"
	for name, c := range map[string]struct {
		options map[string]any
		want    string
	}{
		"nothing": {map[string]any{}, "profile_url: it is missing"},
		"enough":  {map[string]any{"profile_url": url}, ""},
		"unknown yet": {map[string]any{
			"profile_url": "<unknown>", "wait_for": "<unknown>", "dns_server": "<unknown>",
			"hostname": "<unknown>",
		}, ""},
		"an option too many": {map[string]any{"profile_url": url, "dns_timout": "1m"}, "dns_timout"},
		"a signal":           {map[string]any{"profile_url": url, "wait_for": "luck"}, `wait_for: "luck" is unknown`},
		"no cloud needed":    {map[string]any{"profile_url": url, "wait_for": "none", "hostname": "web"}, ""},
		"a name for a server": {
			map[string]any{"profile_url": url, "dns_server": "ns.example.com"},
			`dns_server: "ns.example.com" is not an address`,
		},
		"a server":        {map[string]any{"profile_url": url, "dns_server": "192.0.2.1"}, ""},
		"a server's port": {map[string]any{"profile_url": url, "dns_server": "[2001:db8::1]:5353"}, ""},
		"a time":          {map[string]any{"profile_url": url, "fetch_timeout": "soon"}, "fetch_timeout"},
	} {
		err := new(Provisioner).Prepare(c.options)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: the error is %v, want %q", name, err, c.want)
		}
	}
}

// speaker is a communicator whose command writes in pieces and ends as it is told.
type speaker struct {
	packersdk.MockCommunicator
	pieces []string
	end    chan int
	cmd    *packersdk.RemoteCmd
}

func (s *speaker) Start(_ context.Context, cmd *packersdk.RemoteCmd) error {
	if s.end == nil {
		return errors.New("no connection")
	}
	s.cmd = cmd
	go func() {
		for _, p := range s.pieces {
			_, _ = io.WriteString(cmd.Stdout, p)
		}
		cmd.SetExited(<-s.end)
	}()
	return nil
}

func TestMachineGivesLines(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxLine)
	s := &speaker{pieces: []string{"one\ntw", "o\n\nthr", "ee", "\n" + long + "y\n" + long, "zz", "end"}, end: make(chan int, 1)}
	s.end <- 3
	var got []string
	status, err := machine{s}.Run(t.Context(), "x", func(line string) { got = append(got, line) })
	if want := []string{"one", "two", "", "three", long + "y", long, "zzend"}; status != 3 || err != nil || !slices.Equal(got, want) {
		t.Errorf("got status %d, %v, %d lines %.40q", status, err, len(got), got)
	}
}

func TestMachineFails(t *testing.T) {
	t.Parallel()
	if _, err := (machine{&speaker{}}).Run(t.Context(), "x", func(string) {}); err == nil ||
		!strings.Contains(err.Error(), "no connection") {
		t.Errorf("not started: %v", err)
	}
	gone := &speaker{end: make(chan int, 1)}
	gone.end <- packersdk.CmdDisconnect
	if _, err := (machine{gone}).Run(t.Context(), "x", func(string) {}); err == nil ||
		!strings.Contains(err.Error(), "the connection to the machine was lost") {
		t.Errorf("disconnected: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Millisecond, errors.New("enough"))
	defer cancel()
	hung := &speaker{end: make(chan int)}
	late := 0
	if _, err := (machine{hung}).Run(ctx, "x", func(string) { late++ }); err == nil || err.Error() != "enough" {
		t.Errorf("hung: %v", err)
	}
	if _, err := io.WriteString(hung.cmd.Stdout, "nobody listens any more\n"); err != nil || late > 0 {
		t.Errorf("%d lines came late, %v", late, err)
	}
}
