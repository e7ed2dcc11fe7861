package factoryworker_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
	"github.com/imgctl/packer-plugin-openstack/test/program"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

var measure = flag.Bool("measure", false, "measure, as make bench-factory does")

// measured fails if a figure isn't what is wanted of it. It is for a machine that does nothing else.
func measured(t *testing.T, what string, got, limit float64, unit string, atLeast bool) {
	t.Helper()
	sign, good := "≤", got <= limit
	if atLeast {
		sign, good = "≥", got >= limit
	}
	t.Logf("%s: %.3f %s (%s %g)", what, got, unit, sign, limit)
	if !good {
		t.Errorf("%s: %.3f %s isn't %s %g", what, got, unit, sign, limit)
	}
}

func measuring(t *testing.T) {
	t.Helper()
	if !*measure {
		t.Skip("make bench-factory runs it")
	}
}

// slow is a server with many profiles, which takes 20 ms for each request.
type slow struct {
	*httptest.Server
	mu       sync.Mutex
	when     []int // by profile
	requests atomic.Int64
}

func newSlow(t *testing.T, n int) *slow {
	t.Helper()
	s := &slow{when: make([]int, n)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		time.Sleep(20 * time.Millisecond)
		s.mu.Lock()
		defer s.mu.Unlock()
		name := strings.TrimPrefix(r.URL.Path, "/")
		if name != "profiles-info.xml" {
			n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "p"), ".cloud.template.json"))
			if err != nil || n >= len(s.when) {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(profileOf(fmt.Sprint("p", n), fmt.Sprint(s.when[n])))
			return
		}
		etag := fmt.Sprintf(`"%v"`, len(fmt.Sprint(s.when))*1000+sum(s.when))
		if r.Header.Get("If-None-Match") == etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		fmt.Fprintln(w, "<profiles>")
		for n, when := range s.when {
			fmt.Fprintf(w, "<profile mtime='%d'>p%d.cloud.template.json</profile>\n", when, n)
		}
		fmt.Fprintln(w, "</profiles>")
	}))
	t.Cleanup(s.Close)
	return s
}

func sum(all []int) (n int) {
	for _, one := range all {
		n += one
	}
	return n
}

func (s *slow) change(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range n {
		s.when[k*len(s.when)/n]++
	}
}

// original is the loop of cdb2rabbit.py: one request after the other, one message after the other.
const original = `
import sys, urllib.request, xml.etree.ElementTree as et, pika
url, cache, amqp = sys.argv[1:4]
connection = pika.BlockingConnection(pika.URLParameters(amqp))
channel = connection.channel()
channel.queue_declare(queue="build-queue", durable=True)
index = urllib.request.urlopen(url + "/profiles-info.xml").read().decode()
old = open(cache).read()
for line in index.splitlines():
    if line not in old:
        name = et.fromstring(line).text
        profile = urllib.request.urlopen(url + "/" + name).read()
        channel.basic_publish(exchange="", routing_key="build-queue", body=profile, properties=pika.BasicProperties(delivery_mode=2))
open(cache, "w").write(index)
connection.close()
`

func TestMeasureWatch(t *testing.T) {
	measuring(t)
	server := rabbittest.Shared(t)
	s := newSlow(t, 5000)
	dir := t.TempDir()
	// The queues are there, as they are at a site.
	q, err := openQueue(t.Context(), "", "imgctl.measure", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	o := watch.Options{
		Index: s.URL + "/profiles-info.xml", Profiles: s.URL + "/", Match: ".cloud.template.json", Cache: dir,
		Sink: watch.Sink{Open: func(ctx context.Context) (queue.Queue, error) {
			return openQueue(ctx, "", "imgctl.measure", server.URL)
		}},
	}
	look := func() (time.Duration, int64) {
		t.Helper()
		s.requests.Store(0)
		start := time.Now()
		p, err := watch.Make(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		planned := time.Since(start)
		if err := p.Apply(t.Context(), report.Discard); err != nil {
			t.Fatal(err)
		}
		t.Logf("planned in %s, sent in %s", planned.Round(time.Millisecond), (time.Since(start) - planned).Round(time.Millisecond))
		return time.Since(start), s.requests.Load()
	}
	look()
	took, requests := look()
	measured(t, "5,000 profiles, unchanged", took.Seconds(), 1, "s", false)
	measured(t, "requests for it", float64(requests), 1, "requests", false)

	old := filepath.Join(dir, "cached_info.xml")
	resp, err := http.Get(s.URL + "/profiles-info.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	f, err := os.Create(old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	f.Close()
	s.change(100)
	python := "/usr/bin/python3" // Debian's, whatever else is on PATH
	if exec.CommandContext(t.Context(), python, "-c", "import pika").Run() != nil {
		t.Skip("the original's loop needs Debian's python3-pika")
	}
	start := time.Now()
	loop := exec.CommandContext(t.Context(), python, "-c", original, s.URL, old, server.URL)
	if out, err := loop.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	theirs := time.Since(start)
	ours, _ := look()
	t.Logf("100 of 5,000 profiles changed: %.2f s, the original's loop %.2f s", ours.Seconds(), theirs.Seconds())
	measured(t, "faster than the original's loop", theirs.Seconds()/ours.Seconds(), 10, "times", true)
}

// pretend is a packer that builds nothing, for some seconds, and notes when it was started.
func (w *world) pretend(seconds string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, "packer")
	program.Write(w.t, path, "#!/bin/sh\ndate +%s.%N >>'"+w.dir+"/started'\nsleep "+seconds+"\n")
	return path
}

func TestMeasureStart(t *testing.T) {
	measuring(t)
	for name, w := range map[string]*world{
		"file": newWorld(t, filepath.Join(t.TempDir(), "queue.db"), ""), "RabbitMQ": newWorld(t, "", rabbittest.Shared(t).URL),
	} {
		o := w.options()
		o.Packer.Program, o.UntilEmpty = w.pretend("0"), false
		stop, done := w.start(o)
		q := w.open()
		worst := 0.0
		for n := range 5 {
			began := time.Now()
			if err := q.Publish(t.Context(), message(fmt.Sprint("m", n), "", int64(n+1))); err != nil {
				t.Fatal(err)
			}
			var at float64
			eventually(t, "start", func() bool {
				lines := strings.Fields(readAll(t, filepath.Join(w.dir, "started")))
				if len(lines) > n {
					at, _ = strconv.ParseFloat(lines[n], 64)
				}
				return len(lines) > n
			})
			worst = max(worst, at-float64(began.UnixNano())/1e9)
		}
		measured(t, name+": from message to packer's start, the slowest of 5", worst, 0.3, "s", false)
		stop()
		<-done
	}
}

func readAll(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func TestMeasureSlots(t *testing.T) {
	measuring(t)
	w := newWorld(t, "", rabbittest.Shared(t).URL)
	var all []queue.Message
	for n := range 64 {
		all = append(all, message(fmt.Sprint("m", n), "", int64(n+1)))
	}
	w.publish(all...)
	program := w.pretend("1")
	var ended atomic.Int64
	start := time.Now()
	finish := make(chan struct{})
	var stops []func()
	for range 2 {
		o := w.options()
		o.Packer.Program, o.Slots, o.UntilEmpty = program, 4, false
		o.Queue = &counting{Queue: o.Queue, ended: func() {
			if ended.Add(1) == 64 {
				close(finish)
			}
		}}
		stop, done := w.start(o)
		stops = append(stops, func() { stop(); <-done })
	}
	<-finish
	took := time.Since(start).Seconds()
	for _, stop := range stops {
		stop()
	}
	measured(t, "64 builds of 1 s on two workers of four slots, of the ideal 8 s", took/8, 1.15, "times", false)
}

// counting counts deliveries that have been handled.
type counting struct {
	queue.Queue
	ended func()
}

func (q *counting) Consume(ctx context.Context, slots int, handle func(context.Context, queue.Delivery)) error {
	return q.Queue.Consume(ctx, slots, func(ctx context.Context, d queue.Delivery) {
		handle(ctx, d)
		q.ended()
	})
}

func TestMeasureQueue(t *testing.T) {
	measuring(t)
	server := rabbittest.Shared(t)
	const many = 10_000
	q, err := openQueue(t.Context(), "", "imgctl.measure-queue", server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	ours, bare := 0.0, 0.0
	for round := range 3 { // the best of three each
		var all []queue.Message
		for n := range many {
			all = append(all, queue.Message{ID: fmt.Sprint(round, "-", n), Body: profileOf("web", strconv.Itoa(n)), At: time.Now()})
		}
		start := time.Now()
		if err := q.Publish(t.Context(), all...); err != nil {
			t.Fatal(err)
		}
		ours = max(ours, many/time.Since(start).Seconds())
		bare = max(bare, bareLoop(t, server.URL, fmt.Sprint("bare-", round), many))
	}
	t.Logf("publishing 10,000 messages with confirms: %.0f per second, a bare loop %.0f", ours, bare)
	measured(t, "of a bare loop of amqp091", ours/bare, 0.8, "times", true)
}

// bareLoop publishes with confirms to a queue of the same kind, as the library's documentation does.
func bareLoop(t *testing.T, address, name string, many int) float64 {
	t.Helper()
	conn, err := amqp.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare(name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	var confirms []*amqp.DeferredConfirmation
	for n := range many {
		c, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", name, true, false, amqp.Publishing{
			DeliveryMode: amqp.Persistent, MessageId: strconv.Itoa(n), Body: profileOf("web", strconv.Itoa(n)),
		})
		if err != nil {
			t.Fatal(err)
		}
		confirms = append(confirms, c)
	}
	for _, c := range confirms {
		if ok, err := c.WaitContext(t.Context()); err != nil || !ok {
			t.Fatal(ok, err)
		}
	}
	return float64(many) / time.Since(start).Seconds()
}
