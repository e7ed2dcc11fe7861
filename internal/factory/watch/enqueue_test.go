package watch

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// fileSink is a queue in a file of its own.
func fileSink(t *testing.T) Sink {
	t.Helper()
	file := filepath.Join(t.TempDir(), "queue.db")
	return Sink{Open: func(ctx context.Context) (queue.Queue, error) { return queue.OpenFile(ctx, file, queue.Policy{}) }}
}

// drain takes all messages out of the queue.
func drain(t *testing.T, s Sink) (taken []queue.Message) {
	t.Helper()
	q, err := s.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	c, err := q.Count(t.Context())
	if err != nil || c.Ready == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return nil
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var mu sync.Mutex
	err = q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
		mu.Lock()
		defer mu.Unlock()
		taken = append(taken, d.Message())
		if err := d.Done(ctx); err != nil {
			t.Error(err)
		}
		if len(taken) == c.Ready {
			stop()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

var byPackuilon = Wanted{Personality: "web", Archetype: "ral-tier1", OS: "sl", OSVersion: "7x", Arch: "x86_64", Domain: "prod"}

func TestWanted(t *testing.T) {
	t.Parallel()
	text, err := byPackuilon.Profile()
	if err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseProfile("x", text)
	want := &profile.Profile{
		Source: "x", Personality: "web", OS: "sl", OSVersion: "7x", Arch: "x86_64", Archetype: "ral-tier1", Domain: "prod", Digest: p.Digest,
	}
	if diff := cmp.Diff(want, p); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	w := byPackuilon
	w.Domain, w.Sandbox, w.Hostname = "", "jane/new", "host1"
	if text, err = w.Profile(); err != nil {
		t.Fatal(err)
	}
	if p, err = profile.ParseProfile("x", text); err != nil || p.Sandbox != "jane/new" || p.Domain != "" || p.Hostname != "host1" {
		t.Errorf("a sandbox: %+v %v", p, err)
	}
	for _, bad := range []func(*Wanted){
		func(w *Wanted) { w.Personality = " " },
		func(w *Wanted) { w.OSVersion = "" },
		func(w *Wanted) { w.Domain = "" },
		func(w *Wanted) { w.Sandbox = "jane/x" },
		func(w *Wanted) { w.Domain, w.Sandbox = "", "jane" },
		func(w *Wanted) { w.Domain, w.Sandbox = "", "/x" },
		func(w *Wanted) { w.Domain, w.Sandbox = "", "jane/x/y" },
	} {
		w := byPackuilon
		bad(&w)
		if _, err := w.Profile(); !fault.Is(err, fault.Usage) {
			t.Errorf("%+v: %v", w, err)
		}
	}
}

// A request is newer than all those before it, whatever the clock says.
func TestEnqueue(t *testing.T) {
	t.Parallel()
	s := fileSink(t)
	text, err := byPackuilon.Profile()
	if err != nil {
		t.Fatal(err)
	}
	ahead := queue.Message{ID: "ahead", Subject: "sl7x-x86_64 web", Sequence: time.Now().Add(time.Hour).UnixMicro(), At: time.Now()}
	if err := s.send(t.Context(), []queue.Message{ahead}); err != nil {
		t.Fatal(err)
	}
	p, err := PlanEnqueue(s, "", Request{Source: "x", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	if rows := p.Rows(); len(rows) != 1 || rows[0][2].Value != "would send" {
		t.Errorf("the plan: %v", rows)
	}
	if err := p.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if rows := p.Rows(); rows[0][2].Value != "sent" || rows[0][3].Value == "" {
		t.Errorf("the result: %v", rows)
	}
	got := drain(t, s)
	if len(got) != 2 || got[1].Subject != ahead.Subject || got[1].Sequence != ahead.Sequence+1 || string(got[1].Body) != string(text) ||
		time.Since(got[1].At) > time.Hour {
		t.Errorf("the queue has %+v", got)
	}
	if _, err := PlanEnqueue(s, "", Request{Source: "x", Text: text}, Request{Source: "y", Text: text}); !fault.Is(err, fault.Ambiguous) {
		t.Errorf("twice the same image: %v", err)
	}
	if _, err := PlanEnqueue(s, "", Request{Source: "x", Text: []byte("{}")}); !fault.Is(err, fault.Usage) {
		t.Errorf("no profile: %v", err)
	}
	s.Legacy = "build-queue"
	if p, err = PlanEnqueue(s, "", Request{Source: "x", Text: text}); err != nil {
		t.Fatal(err)
	}
	if err := p.Apply(t.Context(), report.Discard); !fault.Is(err, fault.Usage) || p.Rows()[0][2].Value != "not sent" {
		t.Errorf("packuilon's queue in a file: %v %v", err, p.Rows())
	}
}
