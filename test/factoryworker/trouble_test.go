package factoryworker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/packer"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// hold makes builds wait, with their server, until the file "go on" is there; each adds a line to "begun" first.
func (w *world) hold() {
	w.t.Helper()
	w.write("web.pkr.hcl", template(fmt.Sprintf("echo >> '%[1]s/begun'; while [ ! -e '%[1]s/go on' ]; do sleep 0.05; done", w.dir)))
}

func (w *world) goOn() { w.write("go on", "") }

func (w *world) begun() int {
	text, _ := os.ReadFile(filepath.Join(w.dir, "begun"))
	return strings.Count(string(text), "\n")
}

// start starts a worker in this process; stop ends it as SIGTERM would.
func (w *world) start(o worker.Options) (stop func(), done chan struct{}) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	done = make(chan struct{})
	go func() {
		defer close(done)
		if err := worker.Run(ctx, o, w.rep); err != nil {
			w.t.Error(err)
		}
	}()
	w.t.Cleanup(func() { cancel(); <-done })
	return cancel, done
}

func TestOfFiveChangesDuringABuildOnlyTheNewestIsBuilt(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.hold()
		w.publish(message("web", "0", 1))
		o := w.options()
		o.UntilEmpty = false
		w.start(o)
		eventually(t, "build", func() bool { return w.begun() == 1 })
		for n := range int64(5) {
			w.publish(message("web", fmt.Sprint(n+1), n+2))
		}
		q := w.open()
		eventually(t, "queue of one", func() bool {
			c, err := q.Count(t.Context())
			return err == nil && c.Ready+c.Waiting <= 1 && w.rep.count("superseded") == 4
		})
		if w.begun() != 1 {
			t.Error("two builds of one image at once")
		}
		w.goOn()
		eventually(t, "newest image", func() bool {
			images := w.built()
			return len(images) == 2 && images[1].Properties[worker.SequenceKey] == "6"
		})
		if runs := w.runs("sl7x-x86_64 web"); len(runs) != 2 {
			t.Errorf("%d runs", len(runs))
		}
	})
}

func TestSIGTERMLetsBuildsFinish(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.hold()
		w.publish(message("web", "", 1))
		o := w.options()
		o.UntilEmpty = false
		stop, done := w.start(o)
		eventually(t, "build", func() bool { return w.begun() == 1 })
		stop()
		w.publish(message("batch", "", 1))
		w.goOn()
		<-done
		if got := names(w.built()); fmt.Sprint(got) != "[sl7x-x86_64 web]" {
			t.Errorf("images %v", got)
		}
	})
}

func TestAfterTheGraceABuildIsInterruptedAndItsMessageReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.hold()
		w.publish(message("web", "", 1))
		o := w.options()
		o.UntilEmpty, o.Grace = false, 100*time.Millisecond
		stop, done := w.start(o)
		eventually(t, "build", func() bool { return w.begun() == 1 })
		if w.ServerCount() != 1 {
			t.Errorf("%d servers", w.ServerCount())
		}
		stop()
		<-done
		if w.ServerCount() != 0 || len(w.built()) != 0 {
			t.Errorf("left: %d servers, images %v", w.ServerCount(), names(w.built()))
		}
		if r := w.runs("sl7x-x86_64 web")[0].Result; r == nil || r.Outcome != buildlog.Interrupted {
			t.Errorf("result %+v", r)
		}
		w.goOn()
		w.work(w.options())
		if got := names(w.built()); fmt.Sprint(got) != "[sl7x-x86_64 web]" {
			t.Errorf("images %v", got)
		}
		if r := w.runs("sl7x-x86_64 web")[0]; r.Build.Attempt != 1 {
			t.Errorf("the interruption counts as a failure: %+v", r.Build)
		}
	})
}

func TestAnotherWorkerTakesOverFromAKilledOne(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.hold()
		w.publish(message("web", "", 1))
		o := w.options()
		text, err := json.Marshal(child{
			File: w.file, URLs: []string{w.url}, Name: w.name, Clouds: w.CloudsYAML(), Logs: filepath.Join(w.dir, "logs"),
			TemplateMap: o.TemplateMap,
			SourceImage: o.SourceImages, Env: o.Packer.Env,
		})
		if err != nil {
			t.Fatal(err)
		}
		dies := exec.CommandContext(t.Context(), os.Args[0])
		dies.Env, dies.Stderr = append(os.Environ(), childEnv+"="+string(text)), os.Stderr
		if err := dies.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "build", func() bool { return w.begun() == 1 })
		if err := dies.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = dies.Wait()
		// Packer notices, and removes its server.
		eventually(t, "cleaned cloud", func() bool { return w.ServerCount() == 0 })
		w.goOn()
		o.UntilEmpty = false
		w.start(o)
		eventually(t, "image", func() bool { return len(w.built()) > 0 && w.rep.has("done in") })
		if got := names(w.built()); fmt.Sprint(got) != "[sl7x-x86_64 web]" || w.ServerCount() != 0 {
			t.Errorf("images %v, %d servers", got, w.ServerCount())
		}
		if runs := w.runs("sl7x-x86_64 web"); len(runs) != 2 || runs[1].Result != nil {
			t.Errorf("runs %+v", runs)
		}
	})
}

// dies runs a worker that fails after the build, as a dying one does, and takes no message again.
func (w *world) dies(o worker.Options) {
	w.t.Helper()
	drain := make(chan struct{})
	o.Promotion.Gate, o.UntilEmpty, o.Drain = []string{"/bin/false"}, false, drain
	o.Queue = &counting{Queue: o.Queue, ended: sync.OnceFunc(func() { close(drain) })}
	_, done := w.start(o)
	<-done
	if !w.rep.has("gate") {
		w.t.Fatal("the promotion didn't fail")
	}
}

// A build that a dead worker has finished is only promoted.
func TestWhatADeadWorkerHasBuiltIsPromoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "queue.db"), "")
	o := w.options()
	w.publish(message("web", "", 1))
	w.dies(o)
	images := w.built()
	if len(images) != 1 || images[0].Properties[worker.KeyKey] == "" {
		t.Fatalf("images %v", names(images))
	}
	w.write("web.pkr.hcl", template("")) // unchanged
	eventually(t, "promoted image", func() bool { w.work(w.options()); return w.built()[0].Name == "sl7x-x86_64 web" })
	if now := w.built(); len(now) != 1 || now[0].ID != images[0].ID {
		t.Errorf("images %v", names(now))
	}
}

// What a dead worker has built for an older message is in nobody's way, and nobody's disk.
func TestWhatADeadWorkerHasBuiltIsRemovedWithTheNextImage(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.publish(message("web", "old", 1))
		w.dies(w.options())
		old := w.built()
		w.publish(message("web", "new", 2))
		eventually(t, "image", func() bool { w.work(w.options()); return w.current()["sl7x-x86_64 web"] != nil })
		if now := w.built(); len(old) != 1 || len(now) != 1 || now[0].ID == old[0].ID {
			t.Errorf("before %v, now %v", names(old), names(now))
		}
	})
}

func TestAnOlderMessageDoesNotReplaceANewerImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "queue.db"), "")
	w.publish(message("web", "new", 9))
	w.work(w.options())
	// Another queue, which knows nothing of the newer message.
	w.file = filepath.Join(t.TempDir(), "queue.db")
	w.publish(message("web", "old", 8))
	w.work(w.options())
	if now := w.built(); len(now) != 1 || now[0].Properties[worker.SequenceKey] != "9" || !w.rep.has("newer message is current") {
		t.Errorf("images %v", names(now))
	}
}

func TestALostMessageInterruptsItsBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "queue.db"), "")
	w.hold()
	o := w.options()
	loses := &losing{Queue: o.Queue, lose: make(chan struct{})}
	o.Queue, o.UntilEmpty = loses, false
	w.publish(message("web", "", 1))
	w.start(o)
	eventually(t, "build", func() bool { return w.begun() == 1 })
	close(loses.lose)
	eventually(t, "interruption", func() bool { return w.rep.has(queue.ErrLost.Error()) })
	if w.ServerCount() != 0 {
		t.Errorf("%d servers are left", w.ServerCount())
	}
}

// losing is a queue that takes its messages back.
type losing struct {
	queue.Queue
	lose chan struct{}
}

func (q *losing) Consume(ctx context.Context, slots int, handle func(context.Context, queue.Delivery)) error {
	return q.Queue.Consume(ctx, slots, func(ctx context.Context, d queue.Delivery) {
		ctx, lost := context.WithCancelCause(ctx)
		go func() { <-q.lose; lost(queue.ErrLost) }()
		handle(ctx, d)
	})
}

func TestFourFailingBuildsLeaveFourWorkers(t *testing.T) {
	everywhere(t, fourFail)
}

func fourFail(t *testing.T, w *world) {
	w.write("template-map.json", `{"DEFAULT": ["bad.pkr.hcl"], "good1-sl7x-x86_64": ["web.pkr.hcl"], "good2-sl7x-x86_64": ["web.pkr.hcl"],
		"good3-sl7x-x86_64": ["web.pkr.hcl"], "good4-sl7x-x86_64": ["web.pkr.hcl"]}`)
	w.write("bad.pkr.hcl", "not HCL {")
	w.hold()
	for n := range 4 {
		w.publish(message(fmt.Sprint("bad", n+1), "", 1))
	}
	o := w.options()
	o.Slots, o.UntilEmpty = 4, false
	w.start(o)
	eventually(t, "dead letters", func() bool { return len(w.dead()) == 4 })
	for n := range 4 {
		w.publish(message(fmt.Sprint("good", n+1), "", 1))
	}
	eventually(t, "four builds at once", func() bool { return w.begun() == 4 })
	w.goOn()
	eventually(t, "images", func() bool { return w.rep.count("done in") == 4 })
}

func TestAPanicIsAFailureOfItsMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, filepath.Join(t.TempDir(), "queue.db"), "")
	o := w.options()
	o.Queue, o.UntilEmpty = &panicking{Queue: o.Queue}, false
	w.publish(message("web", "", 1))
	w.start(o)
	eventually(t, "image", func() bool { return w.rep.has("done in") })
	if !w.rep.has("defect") || w.runs("sl7x-x86_64 web")[0].Build.Attempt != 2 {
		t.Error("nothing panicked")
	}
}

type panicking struct {
	queue.Queue
	once sync.Once
}

func (q *panicking) Claim(ctx context.Context, subject string) (release func(), ok bool, err error) {
	q.once.Do(func() { panic("on purpose") })
	return q.Queue.Claim(ctx, subject)
}

// The environment of a build has the credentials it is given, and no others.
func TestABuildSeesItsOwnCredentialsOnly(t *testing.T) {
	t.Parallel()
	env := packer.Environment(map[string]string{"PATH": "/bin", "OS_CLOUD": "admin", "OS_PASSWORD": "x", "MINE": "1"}, "MINE")
	if got := fmt.Sprint(env); got != "map[CHECKPOINT_DISABLE:1 MINE:1 PACKER_NO_COLOR:1 PATH:/bin]" {
		t.Error(got)
	}
}

// Two builds of one image have two logs, whichever worker built it.
func TestTwoBuildsOfAnImageHaveTwoLogs(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for n := range int64(2) {
			w.write("web.pkr.hcl", template(fmt.Sprintf("echo this is build %d", n+1)))
			w.publish(message("web", fmt.Sprint(n), n+1))
			w.work(w.options())
		}
		runs := w.runs("sl7x-x86_64 web")
		if len(runs) != 2 {
			t.Fatalf("%d runs", len(runs))
		}
		for n, r := range runs { // the latest first
			log, err := os.ReadFile(r.Log())
			own, other := fmt.Sprint("this is build ", 2-n), fmt.Sprint("this is build ", n+1)
			if err != nil || !strings.Contains(string(log), own) || strings.Contains(string(log), other) {
				t.Errorf("log %d: %v\n%s", n, err, log)
			}
		}
	})
}

// Maps that can't be read are trouble of the worker: messages keep their attempts, and are built when it is over.
func TestMapsThatCanNotBeReadCostNoAttempt(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		whole, err := os.ReadFile(filepath.Join(w.dir, "template-map.json"))
		if err != nil {
			t.Fatal(err)
		}
		w.write("template-map.json", `{"DEFAULT": [`)
		w.publish(message("web", "", 1), message("db", "", 1))
		o := w.options()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if err := worker.Run(ctx, o, w.rep); err == nil || !strings.Contains(err.Error(), "template-map.json") || ctx.Err() != nil {
			t.Fatalf("a worker that ends when nothing is left to do: %v", err)
		}
		o.UntilEmpty = false
		stop, done := w.start(o)
		eventually(t, "warning", func() bool { return w.rep.has("no request can be worked on") })
		w.write("template-map.json", string(whole))
		eventually(t, "images", func() bool { return w.current()["sl7x-x86_64 web"] != nil && w.current()["sl7x-x86_64 db"] != nil })
		stop()
		<-done
		for _, image := range []string{"sl7x-x86_64 web", "sl7x-x86_64 db"} {
			if runs := w.runs(image); len(runs) != 1 || runs[0].Build.Attempt != 1 {
				t.Errorf("runs of %s: %+v", image, runs)
			}
		}
	})
}
