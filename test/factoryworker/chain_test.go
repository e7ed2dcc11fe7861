package factoryworker_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/chain"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/factory/worker"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// chained are options of a worker that has images built anew that start from one that has become current.
func (w *world) chained() worker.Options {
	o := w.options()
	o.Dependants = func(ctx context.Context, image string) error {
		_, err := chain.AskForDependants(ctx, chain.Options{
			SourceImages: o.SourceImages,
			Watch: watch.Options{
				Profiles: filepath.Join(w.dir, "profiles"),
				Sink: watch.Sink{Open: func(ctx context.Context) (queue.Queue, error) {
					return openQueue(ctx, w.file, w.name, w.url)
				}},
			},
		}, image)
		return err
	}
	return o
}

// current are the current images by name.
func (w *world) current() map[string]*glance.Image {
	w.t.Helper()
	all, err := worker.Current(w.t.Context(), w.options().Site)
	if err != nil {
		w.t.Fatal(err)
	}
	by := map[string]*glance.Image{}
	for _, i := range all {
		by[i.Name] = i
	}
	return by
}

func TestImagesAreBuiltAnewThatStartFromOneThatHasBecomeCurrent(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.write("source-images.json", fmt.Sprintf(
			`{"sl7x-x86_64": "sl7x-x86_64 base", "base-sl7x-x86_64": %q, "front-sl7x-x86_64": "sl7x-x86_64 web"}`, w.source))
		w.mkdir("profiles")
		for _, p := range []string{"base", "web", "front"} {
			w.write("profiles/"+p+".json", string(profileOf(p, "")))
		}
		follows := func(image, source string) {
			t.Helper()
			now := w.current()
			if now[image] == nil || now[source] == nil || now[image].Properties["base_image_ref"] != now[source].ID {
				t.Errorf("%s doesn't start from the current %s: %v", image, source, now[image])
			}
		}
		w.publish(message("base", "", 1))
		w.work(w.chained())
		follows("sl7x-x86_64 web", "sl7x-x86_64 base")
		follows("sl7x-x86_64 front", "sl7x-x86_64 web")
		before := w.current()

		// The middle one changes: what it starts from doesn't.
		w.write("profiles/web.json", string(profileOf("web", "changed")))
		w.publish(message("web", "changed", future))
		w.work(w.chained())
		follows("sl7x-x86_64 web", "sl7x-x86_64 base")
		follows("sl7x-x86_64 front", "sl7x-x86_64 web")
		now := w.current()
		if now["sl7x-x86_64 base"].ID != before["sl7x-x86_64 base"].ID || now["sl7x-x86_64 front"].ID == before["sl7x-x86_64 front"].ID {
			t.Errorf("current %v, before %v", now, before)
		}
		if len(w.dead()) > 0 {
			t.Errorf("dead letters %+v", w.dead())
		}
	})
}

func TestAForcedBuildIsDoneOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.publish(message("web", "", 1))
		w.work(w.options())
		first := w.current()["sl7x-x86_64 web"].ID
		forced := message("web", "", 2)
		forced.Force = true
		w.publish(forced)
		w.work(w.options())
		second := w.current()["sl7x-x86_64 web"].ID
		if second == first {
			t.Error("it wasn't built")
		}
		// The same message again, as a redelivery has it.
		forced.ID += "-again"
		w.publish(forced)
		w.work(w.options())
		if third := w.current()["sl7x-x86_64 web"].ID; third != second {
			t.Error("it was built twice")
		}
	})
}

func TestADrainedWorkerEndsAfterItsBuilds(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.hold()
		w.publish(message("web", "", 1))
		o := w.options()
		drain := make(chan struct{})
		o.UntilEmpty, o.Grace, o.Drain = false, 0, drain
		_, done := w.start(o)
		eventually(t, "build", func() bool { return w.begun() == 1 })
		close(drain)
		eventually(t, "notice", func() bool { return w.rep.has("Draining") })
		w.publish(message("batch", "", 1))
		w.goOn()
		<-done
		if got := names(w.built()); fmt.Sprint(got) != "[sl7x-x86_64 web]" {
			t.Errorf("images %v", got)
		}
	})
}
