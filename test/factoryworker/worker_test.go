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

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
)

func TestAMessageBecomesACurrentImageOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		first := message("web", "", 1)
		w.publish(first)
		w.work(w.options())
		images := w.built()
		if fmt.Sprint(names(images)) != "[sl7x-x86_64 web]" {
			t.Fatalf("images %v", names(images))
		}
		p := images[0].Properties
		if p[promote.PromotedKey] == "" || p[worker.SequenceKey] != "1" || len(p[worker.KeyKey]) != 64 {
			t.Errorf("properties %v", p)
		}
		runs := w.runs("sl7x-x86_64 web")
		if len(runs) != 1 || runs[0].Result == nil || runs[0].Result.Outcome != buildlog.Built || runs[0].Result.Images[0] != images[0].ID {
			t.Errorf("runs %+v", runs)
		}
		log, err := os.ReadFile(runs[0].Log())
		if err != nil || !strings.Contains(string(log), `Publishing the image as "sl7x-x86_64 web next"`) {
			t.Errorf("log %v\n%s", err, log)
		}

		// The same content again, as a redelivery has it, builds nothing.
		again := message("web", "", 2)
		w.publish(again)
		w.work(w.options())
		if now := w.built(); len(now) != 1 || now[0].ID != images[0].ID {
			t.Errorf("images %v", names(now))
		}
		// Other content does, and takes the image's place.
		w.publish(message("web", "changed", 3))
		w.work(w.options())
		if now := w.built(); len(now) != 2 || !strings.HasPrefix(now[0].Name, "archive sl7x-x86_64 web") || now[1].ID == images[0].ID {
			t.Errorf("images %v", names(now))
		}
		if len(w.dead()) != 0 {
			t.Errorf("dead letters %v", w.dead())
		}
	})
}

func TestAPoisonMessageIsTriedOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		poison, unknown := message("web", "", 1), message("batch", "", 1)
		poison.Body = []byte("{")
		unknown.Body = []byte(strings.ReplaceAll(string(unknown.Body), "7x", "9x"))
		w.publish(poison, unknown)
		w.fails(w.options())
		dead := w.dead()
		if len(dead) != 2 {
			t.Fatalf("dead letters %v", dead)
		}
		for _, m := range dead {
			if m.Attempt != 1 || m.ID == poison.ID && !strings.Contains(m.Failure.Reason, "line 1") && m.Failure.Reason == "" ||
				m.ID == unknown.ID && !strings.Contains(m.Failure.Reason, "sl9x-x86_64") {
				t.Errorf("%+v", m)
			}
		}
		if len(w.built()) != 0 {
			t.Error("something was built")
		}
		for _, m := range dead { // whoever asks for the image's builds sees why there is none
			runs := w.runs(m.Subject)
			if len(runs) != 1 || runs[0].Result == nil || runs[0].Result.Outcome != buildlog.Failed || m.Failure.Log != runs[0].Log() {
				t.Errorf("runs of %s: %+v", m.Subject, runs)
				continue
			}
			if log, err := os.ReadFile(runs[0].Log()); err != nil || !strings.Contains(string(log), m.Failure.Reason) {
				t.Errorf("log %v\n%s", err, log)
			}
		}
	})
}

// A failure before packer starts has a log, too, and the worker's end tells of it.
func TestAFailureBeforeTheBuildHasALog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "queue.db"), "")
	failed := func(image, want string) {
		t.Helper()
		runs := w.runs("sl7x-x86_64 " + image)
		if len(runs) == 0 || runs[0].Result == nil {
			t.Errorf("runs of %s: %+v", image, runs)
			return
		}
		if r := runs[0].Result; r.Outcome != buildlog.Failed || !strings.Contains(r.Reason, want) {
			t.Errorf("result of %s: %+v", image, r)
		}
		if log, err := os.ReadFile(runs[0].Log()); err != nil || !strings.Contains(string(log), want) {
			t.Errorf("log of %s: %v\n%s", image, err, log)
		}
	}
	w.write("source-images.json", `{"sl7x-x86_64": "no such image"}`)
	w.publish(message("source", "", 1))
	w.fails(w.options())
	failed("source", `"no such image"`)
	w.write("source-images.json", fmt.Sprintf(`{"sl7x-x86_64": %q}`, w.source))
	w.write("template-map.json", `{"DEFAULT": ["web.pkr.hcl"], "template-sl7x-x86_64": ["missing.pkr.hcl"]}`)
	w.publish(message("template", "", 1), message("web", "", 1))
	w.fails(w.options())
	failed("template", "missing.pkr.hcl")
	if w.current()["sl7x-x86_64 web"] == nil {
		t.Error("the failure of another request ended the worker")
	}
}

func TestFiveFailuresAreADeadLetterWithFiveLogs(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		// The first failure is the template's, and so are the next; other messages aren't held up.
		w.write("template-map.json", `{"DEFAULT": ["web.pkr.hcl"], "bad-sl7x-x86_64": ["bad.pkr.hcl"]}`)
		w.write("bad.pkr.hcl", strings.ReplaceAll(template(""), "m1.tiny", "no such flavor"))
		w.publish(message("bad", "", 1), message("web", "", 1))
		o := w.options()
		o.UntilEmpty = false
		var told ended
		o.Notify = told.add
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- worker.Run(ctx, o, w.rep) }()
		eventually(t, "dead letter", func() bool { return len(w.dead()) == 1 })
		eventually(t, "other image", func() bool { return len(w.runs("sl7x-x86_64 web")) == 1 && w.runs("sl7x-x86_64 web")[0].Result != nil })
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got, want := told.String(), "bad 1, bad 2, bad 3, bad 4, bad 5 dead, web 1"; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
		for _, said := range []string{
			"bad: attempt 1 has failed; the next one is in ", "bad: attempt 5 has failed; the request is a dead letter",
		} {
			if !w.rep.has(said) {
				t.Errorf("nobody said %q", said)
			}
		}
		m, runs := w.dead()[0], w.runs("sl7x-x86_64 bad")
		if len(runs) != 5 || m.Attempt != 5 || m.Failure.Log != runs[0].Log() || !strings.Contains(m.Failure.Reason, "no such flavor") {
			t.Errorf("%d runs, message %+v", len(runs), m)
		}
		for _, r := range runs {
			log, err := os.ReadFile(r.Log())
			if err != nil || !strings.Contains(string(log), "no such flavor") || r.Result == nil || r.Result.Outcome != buildlog.Failed {
				t.Errorf("run %+v: %v\n%s", r, err, log)
			}
		}
		if got := names(w.built()); fmt.Sprint(got) != "[sl7x-x86_64 web]" {
			t.Errorf("images %v", got)
		}
	})
}

// ended is what was told.
type ended struct {
	mu  sync.Mutex
	all []string
}

func (e *ended) add(of worker.Ended) {
	e.mu.Lock()
	defer e.mu.Unlock()
	text := fmt.Sprint(strings.TrimPrefix(of.Image, "sl7x-x86_64 "), " ", of.Attempt+1)
	if of.Dead {
		text += " dead"
	}
	if (len(of.Images) == 0) != strings.Contains(of.Failure.Reason, "no such flavor") {
		text += fmt.Sprintf(" %v %q", of.Images, of.Failure.Reason)
	}
	e.all = append(e.all, text)
}

func (e *ended) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(e.all)
	return strings.Join(e.all, ", ")
}
