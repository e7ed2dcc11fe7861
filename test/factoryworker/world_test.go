// Package factoryworker_test runs the factory's worker with the real packer on a sandbox, with either queue.
package factoryworker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
	"github.com/imgctl/packer-plugin-openstack/test/packertest"
	"github.com/imgctl/packer-plugin-openstack/test/rabbittest"
)

// patience is far more than anything takes here.
const patience = 2 * time.Minute

var policy = queue.Policy{Attempts: 5, Pauses: []time.Duration{100 * time.Millisecond}, Moment: 100 * time.Millisecond}

// world is a sandbox with a queue, a source image and a folder for the worker.
type world struct {
	*sandbox.Cloud
	t       *testing.T
	dir     string
	file    string // of the queue
	url     string // of the queue's RabbitMQ
	name    string // of the queue there
	project *cloud.Cloud
	images  *glance.Client
	source  string
	env     map[string]string
	rep     *said
}

// everywhere runs a test with both queues.
func everywhere(t *testing.T, test func(t *testing.T, w *world)) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, filepath.Join(t.TempDir(), "queue.db"), ""))
	})
	t.Run("RabbitMQ", func(t *testing.T) {
		t.Parallel()
		test(t, newWorld(t, "", rabbittest.Shared(t).URL))
	})
}

func (w *world) open() queue.Queue {
	w.t.Helper()
	q, err := openQueue(w.t.Context(), w.file, w.name, w.url)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = q.Close() })
	return q
}

func newWorld(t *testing.T, file, url string) *world {
	t.Helper()
	w := &world{
		Cloud: sandboxtest.Start(t, sandbox.Options{}), t: t, dir: t.TempDir(), file: file, url: url, env: map[string]string{},
		name: "imgctl.test-" + uuid.NewString(), rep: &said{t: t},
	}
	var err error
	if w.source, err = w.AddImage(sandbox.Image{
		Name: "sl7x-x86_64", Visibility: "public", DiskFormat: "raw", Project: "admin", Data: []byte("a disk"),
	}); err != nil {
		t.Fatal(err)
	}
	w.project = cloudtest.Connect(t, w.CloudsYAML(), "demo")
	api, err := w.project.Image()
	if err != nil {
		t.Fatal(err)
	}
	w.images = glance.New(api)
	for _, kv := range packertest.New(t).Command(t, w.Env("demo")).Env {
		name, value, _ := strings.Cut(kv, "=")
		w.env[name] = value
	}
	w.write("template-map.json", `{"DEFAULT": ["web.pkr.hcl"]}`)
	w.write("source-images.json", fmt.Sprintf(`{"sl7x-x86_64": %q}`, w.source))
	w.write("web.pkr.hcl", template(""))
	return w
}

// template builds a server that boots at once and has no inside. Before is run on this machine before that.
func template(before string) string {
	wait := ""
	if before != "" {
		wait = fmt.Sprintf("provisioner \"shell-local\" { inline = [%q] }", before)
	}
	return `
packer {
  required_plugins {
    openstack = {
      source  = "github.com/imgctl/openstack"
      version = ">= 0.1.0"
    }
  }
}
variable "image_name" {}
variable "source_image" {}
variable "metadata" { type = map(string) }
source "openstack" "web" {
  communicator      = "none"
  image_name        = "${var.image_name} next"
  source_image      = var.source_image
  flavor            = "m1.tiny"
  networks          = ["private"]
  instance_metadata = var.metadata
}
build {
  sources = ["source.openstack.web"]
  ` + wait + `
}
`
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) mkdir(name string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Join(w.dir, name), 0o700); err != nil {
		w.t.Fatal(err)
	}
}

// future is a sequence later than any that a clock gives.
const future = 1 << 60

func profileOf(personality, more string) []byte {
	return fmt.Appendf(nil, `{"system": {"personality": {"name": %q}, "archetype": {"name": "ral-tier1"}, "os": {"distribution": {"name": "sl"},
		"version": {"name": "7x"}, "architecture": "x86_64"}}, "more": %q}`, personality, more)
}

// message asks for the image "sl7x-x86_64 PERSONALITY".
func message(personality, more string, sequence int64) queue.Message {
	return queue.Message{
		ID: uuid.NewString(), Subject: "sl7x-x86_64 " + personality, Sequence: sequence, Body: profileOf(personality, more), At: time.Now(),
	}
}

func (w *world) publish(messages ...queue.Message) {
	w.t.Helper()
	if err := w.open().Publish(w.t.Context(), messages...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) logs() *buildlog.Store {
	w.t.Helper()
	s, err := buildlog.In(filepath.Join(w.dir, "logs"))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) runs(image string) []*buildlog.Run {
	w.t.Helper()
	runs, err := w.logs().Runs(image)
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

func (w *world) options() worker.Options {
	return worker.Options{
		Queue: w.open(), Slots: 2, TemplateMap: filepath.Join(w.dir, "template-map.json"),
		SourceImages: filepath.Join(w.dir, "source-images.json"),
		Packer: packer.Build{
			Program: "packer", Env: packer.Environment(w.env, "OS_CLIENT_CONFIG_FILE", "OS_CLOUD"), Cleanup: patience,
		},
		Timeout: patience, Site: promote.Site{Images: w.images, Project: w.project.Project().ID}, Suffix: " next",
		Logs: w.logs(), Grace: patience, UntilEmpty: true,
	}
}

// work runs a worker until the queue is empty.
func (w *world) work(o worker.Options) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := worker.Run(ctx, o, w.rep); err != nil {
		w.t.Fatal(err)
	}
	if ctx.Err() != nil {
		w.t.Fatalf("not done after %s", patience)
	}
}

// fails is work whose requests fail, all of them.
func (w *world) fails(o worker.Options) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := worker.Run(ctx, o, w.rep); !fault.Is(err, fault.Partial) {
		w.t.Fatal(err)
	}
}

// built are the project's images that a worker has marked, the newest first, as "name key".
func (w *world) built() []*glance.Image {
	w.t.Helper()
	all, err := w.images.Images(w.t.Context(), glance.Query{Owner: w.project.Project().ID, BothHidden: true})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b *glance.Image) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func names(images []*glance.Image) (all []string) {
	for _, i := range images {
		all = append(all, i.Name)
	}
	return all
}

func (w *world) dead() []queue.Message {
	w.t.Helper()
	dead, err := w.open().Dead(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return dead
}

// said keeps what a worker reports.
type said struct {
	t  *testing.T
	mu sync.Mutex
	in []string
}

func (s *said) Step(format string, args ...any) { s.add(fmt.Sprintf(format, args...)) }
func (s *said) Warn(format string, args ...any) { s.add("warning: " + fmt.Sprintf(format, args...)) }
func (*said) Progress(string, int64, int64)     {}
func (s *said) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = append(s.in, text)
	s.t.Log(text)
}

func (s *said) count(text string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.in {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (s *said) has(text string) bool { return s.count(text) > 0 }

// eventually waits for something to become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %s", what, patience)
		}
	}
}
