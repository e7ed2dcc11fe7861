package chain_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/chain"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

const id = "6f1d2c3b-7a54-4e0f-9b6d-2f8a1c5e7d01"

// world is a folder with profiles and source images.
type world struct {
	t   *testing.T
	dir string
	o   chain.Options
}

func newWorld(t *testing.T, sources string, personalities ...string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	for _, p := range personalities {
		w.write("profiles/"+p+".json", fmt.Sprintf(`{"system": {"personality": {"name": %q}, "os": {"distribution": {"name": "sl"},
			"version": {"name": "7x"}, "architecture": "x86_64"}}}`, p))
	}
	w.write("source-images.json", sources)
	w.o = chain.Options{SourceImages: filepath.Join(w.dir, "source-images.json"), Watch: watch.Options{
		Profiles: filepath.Join(w.dir, "profiles"),
		Sink: watch.Sink{Open: func(ctx context.Context) (queue.Queue, error) {
			return queue.OpenFile(ctx, filepath.Join(w.dir, "queue.db"), queue.Policy{})
		}},
	}}
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	file := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// asked takes what is in the queue.
func (w *world) asked() (subjects []string) {
	w.t.Helper()
	q, err := w.o.Watch.Sink.Open(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer q.Close()
	c, err := q.Count(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if c.Ready == 0 {
		return nil
	}
	err = q.Consume(ctx, 1, func(ctx context.Context, d queue.Delivery) {
		subjects = append(subjects, d.Message().Subject)
		if err := d.Done(ctx); err != nil {
			w.t.Error(err)
		}
		if len(subjects) == c.Ready {
			cancel()
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return subjects
}

const three = `{"sl7x-x86_64": "sl7x-x86_64 base", "base-sl7x-x86_64": "` + id + `", "front-sl7x-x86_64": "sl7x-x86_64 web"}`

func TestTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, three, "front", "base", "web")
	links, problems, err := chain.Read(t.Context(), w.o)
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	got := fmt.Sprint(links)
	if want := "[{sl7x-x86_64 base base.json " + id + " 0} {sl7x-x86_64 web web.json sl7x-x86_64 base 1} " +
		"{sl7x-x86_64 front front.json sl7x-x86_64 web 2}]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	built := map[string]chain.Built{"sl7x-x86_64 base": {"b", id}, "sl7x-x86_64 web": {"w", "before b"}}
	states := []string{links[0].State(built), links[1].State(built), links[2].State(built)}
	if fmt.Sprint(states) != "[up-to-date outdated missing]" {
		t.Error(states)
	}
}

func TestWhatCannotBeOrderedIsAProblem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `{"sl7x-x86_64": "`+id+`", "a-sl7x-x86_64": "sl7x-x86_64 b", "b-sl7x-x86_64": "sl7x-x86_64 a",
		"self-sl7x-x86_64": "sl7x-x86_64 self"}`, "a", "b", "good", "self")
	w.write("profiles/broken.json", "{")
	w.write("profiles/twice.json", `{"system": {"personality": {"name": "good"}, "os": {"distribution": {"name": "sl"},
		"version": {"name": "7x"}, "architecture": "x86_64"}}}`)
	links, problems, err := chain.Read(t.Context(), w.o)
	if err != nil || len(links) != 1 || links[0].Image != "sl7x-x86_64 good" || len(problems) != 4 {
		t.Fatal(links, problems, err)
	}
	for _, want := range []string{
		"circle: sl7x-x86_64 a, sl7x-x86_64 b", "start from itself", "broken.json", "good.json and twice.json both build",
	} {
		if !strings.Contains(fmt.Sprint(problems), want) {
			t.Errorf("no %q in %v", want, problems)
		}
	}
}

func TestOnlyTheNextInOrderAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, three, "front", "base", "web", "batch")
	for image, want := range map[string]string{
		"sl7x-x86_64 base": "[sl7x-x86_64 batch sl7x-x86_64 web]", "sl7x-x86_64 web": "[sl7x-x86_64 front]", "sl7x-x86_64 front": "[]",
	} {
		asked, err := chain.AskForDependants(t.Context(), w.o, image)
		if got := w.asked(); err != nil || fmt.Sprint(got) != want || fmt.Sprint(asked) != want {
			t.Errorf("%s: asked for %v, in the queue %v, want %s (%v)", image, asked, got, want, err)
		}
	}
}

// What was asked for before is older, even if its sequence is from a clock that is ahead.
func TestWhatIsAskedForIsTheNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, three, "front", "base", "web")
	q, err := w.o.Watch.Sink.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	ahead := time.Now().Add(time.Hour).UnixMicro()
	if err := q.Publish(t.Context(), queue.Message{ID: "ahead", Subject: "sl7x-x86_64 web", Sequence: ahead}); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.AskForDependants(t.Context(), w.o, "sl7x-x86_64 base"); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Newest(t.Context(), "sl7x-x86_64 web"); err != nil || n != ahead+1 {
		t.Errorf("newest %d, want %d (%v)", n, ahead+1, err)
	}
}

func TestWithoutNamesNoProfileIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, `{"sl7x-x86_64": "`+id+`"}`)
	w.o.Watch.Profiles = filepath.Join(w.dir, "none")
	if asked, err := chain.AskForDependants(t.Context(), w.o, "sl7x-x86_64 base"); err != nil || asked != nil {
		t.Error(asked, err)
	}
}
