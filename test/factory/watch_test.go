// Package factory_test holds the factory against a real RabbitMQ.
package factory_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/config"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// place is a folder with profiles and a configuration that names a server.
type place struct {
	dir    string
	config *config.Config
}

func newPlace(t *testing.T, s *rabbittest.Server, more string) *place {
	t.Helper()
	p := &place{dir: t.TempDir()}
	password := strings.Replace(s.URL, "guest:guest@", "guest@", 1)
	p.write(t, "password", "guest\n")
	p.write(t, "config.ini", "[cdb2rabbit]\nPROFILE_DIR_URL = profiles\nCACHE_DIR = cache\n[imgctl]\nRABBIT_URLS = "+password+
		"\nRABBIT_PASSWORD_FILE = password\n"+more)
	c, err := config.Read(filepath.Join(p.dir, "config.ini"))
	if err != nil {
		t.Fatal(err)
	}
	p.config = c
	return p
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *place) profile(t *testing.T, personality string, n int) {
	t.Helper()
	p.write(t, "profiles/"+personality+".cloud.template.json", body(personality, n))
}

func body(personality string, n int) string {
	return fmt.Sprintf(`{"system": {"personality": {"name": %q}, "os": {"distribution": {"name": "sl"}, "version": {"name": "7x"},
"architecture": "x86_64"}}, "n": %d}`, personality, n)
}

// once is one run of watch.
func (p *place) once(t *testing.T, open func(context.Context) (queue.Queue, error), legacy string) error {
	t.Helper()
	plan, err := watch.Make(t.Context(), watch.Options{
		Profiles: p.config.Profiles, Match: p.config.Match, Cache: p.config.Cache, Sink: watch.Sink{Open: open, Legacy: legacy},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return plan.Apply(ctx, report.Discard)
}

// drain takes the messages out of the factory's queue.
func (p *place) drain(t *testing.T) (all []queue.Message) {
	t.Helper()
	q, err := p.config.OpenQueue(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	c, err := q.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if c.Ready == 0 {
		return nil
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	err = q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
		all = append(all, d.Message())
		if err := d.Done(ctx); err != nil {
			t.Error(err)
		}
		if len(all) == c.Ready {
			stop()
		}
	})
	if err != nil || len(all) != c.Ready {
		t.Fatalf("%d of %d messages, %v", len(all), c.Ready, err)
	}
	return all
}

func names(all []queue.Message) string {
	var names []string
	for _, m := range all {
		names = append(names, m.Subject)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// A server that is down, or goes down in between, leaves the cache as it was; what changed is sent once when it is back.
func TestServerIsDownWhilePublishing(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	p := newPlace(t, server, "")
	p.profile(t, "web", 1)
	if err := p.once(t, p.config.OpenQueue, ""); err != nil {
		t.Fatal(err)
	}
	state := func() string {
		text, err := os.ReadFile(filepath.Join(p.config.Cache, "imgctl-watch.json"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	p.profile(t, "web", 2)
	p.profile(t, "batch", 1)
	before := state()
	goesDown := func(ctx context.Context) (queue.Queue, error) {
		q, err := p.config.OpenQueue(ctx)
		server.Settle()
		server.Kill()
		return q, err
	}
	if err := p.once(t, goesDown, ""); !fault.Is(err, fault.Unavailable) {
		t.Errorf("it goes down: %v", err)
	}
	if err := p.once(t, p.config.OpenQueue, ""); !fault.Is(err, fault.Unavailable) {
		t.Errorf("it is down: %v", err)
	}
	if state() != before {
		t.Error("the cache has changed, though nothing was sent")
	}
	server.Run(t)
	for range 2 {
		if err := p.once(t, p.config.OpenQueue, ""); err != nil {
			t.Fatal(err)
		}
	}
	all := p.drain(t)
	if got := names(all); got != "sl7x-x86_64 batch, sl7x-x86_64 web" {
		t.Errorf("the queue has %s", got)
	}
	for _, m := range all {
		if m.ID == "" || m.Sequence == 0 || !strings.HasPrefix(string(m.Body), `{"system"`) {
			t.Errorf("%+v", m)
		}
	}
}

// Packuilon's worker finds what it expects, and what it hasn't taken moves to the factory's queue.
func TestLegacyQueue(t *testing.T) {
	t.Parallel()
	server := rabbittest.Start(t)
	p := newPlace(t, server, "[global]\nQUEUE = old-queue\n")
	count := p.config.CountForeign
	sink := watch.Sink{Open: p.config.OpenQueue}
	if _, err := watch.PlanMigrate(t.Context(), sink, "old-queue", count); !fault.Is(err, fault.NotFound) {
		t.Errorf("no queue yet: %v", err)
	}
	p.profile(t, "web", 1)
	if err := p.once(t, p.config.OpenQueue, "old-queue"); err != nil {
		t.Fatal(err)
	}
	p.profile(t, "web", 2)
	if err := p.once(t, p.config.OpenQueue, "old-queue"); err != nil {
		t.Fatal(err)
	}
	p.profile(t, "batch", 1)
	if err := p.once(t, p.config.OpenQueue, "old-queue"); err != nil {
		t.Fatal(err)
	}
	conn, err := amqp.Dial(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	d, ok, err := ch.Get("old-queue", true)
	if err != nil || !ok || string(d.Body) != body("web", 2) || d.DeliveryMode != amqp.Persistent {
		t.Errorf("packuilon gets %q, %v, %v", d.Body, ok, err)
	}
	plan, err := watch.PlanMigrate(t.Context(), sink, "old-queue", count)
	if err != nil {
		t.Fatal(err)
	}
	if row := plan.Rows()[0]; plan.Done() || row[1].Value != 1 || row[2].Value != "would move" {
		t.Errorf("the plan: %v", row)
	}
	if err := plan.Apply(t.Context(), report.Discard); err != nil {
		t.Fatal(err)
	}
	if row := plan.Rows()[0]; row[1].Value != 1 || row[2].Value != "moved" {
		t.Errorf("the result: %v", row)
	}
	if all := p.drain(t); len(all) != 1 || string(all[0].Body) != body("batch", 1) {
		t.Errorf("the queue has %+v", all)
	}
	plan, err = watch.PlanMigrate(t.Context(), sink, "old-queue", count)
	if err != nil || !plan.Done() {
		t.Errorf("nothing is left: %v %v", plan, err)
	}
}

// A profile of which a line was deleted, and nothing else, is built anew once.
func TestADeletedLineIsAChange(t *testing.T) {
	t.Parallel()
	p := newPlace(t, rabbittest.Start(t), "")
	file := "profiles/web.cloud.template.json"
	whole := strings.Replace(body("web", 1), `"n"`, "\"old\": 1,\n\"n\"", 1)
	p.write(t, file, whole)
	for _, step := range []struct {
		what, profile string
		want          []string // bodies
	}{
		{"first look", whole, nil},
		{"deleted line", body("web", 1), []string{body("web", 1)}},
		{"unchanged", body("web", 1), nil},
	} {
		p.write(t, file, step.profile)
		if err := p.once(t, p.config.OpenQueue, ""); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range p.drain(t) {
			got = append(got, string(m.Body))
		}
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
	}
}
