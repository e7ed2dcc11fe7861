package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/factory/buildlog"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// errSuperseded is that the image of a newer message is current already.
var errSuperseded = errors.New("an image of a newer message is current")

// work decides on a message, and builds.
func (w *worker) work(ctx context.Context, m queue.Message) verdict {
	from, err := w.load(ctx)
	if err != nil {
		return w.hindered(ctx, m, err)
	}
	if w.trouble.over() {
		w.rep.Step("Requests can be worked on again")
	}
	j, err := w.resolve(m, from)
	if err != nil {
		return w.traced(m, m.Subject, verdict{bury: &queue.Failure{Reason: err.Error()}})
	}
	if err := w.findSource(ctx, j); err != nil {
		return w.traced(m, j.Name, w.failed(ctx, j.Name, err, ""))
	}
	if v, over := w.superseded(ctx, j); over {
		return v
	}
	release, ok, err := w.Queue.Claim(ctx, j.Name)
	if err != nil {
		return w.putOff(ctx, j.Name, err)
	}
	if !ok {
		return verdict{again: true}
	}
	defer release()
	// While another worker had the claim, something newer may have come.
	if v, over := w.superseded(ctx, j); over {
		return v
	}
	return w.run(ctx, j)
}

// superseded reports whether the work on a message is over because a newer one of the image is in the queue.
func (w *worker) superseded(ctx context.Context, j *job) (v verdict, over bool) {
	if j.Sequence == 0 {
		return verdict{}, false
	}
	newest, err := w.Queue.Newest(ctx, j.Name)
	if err != nil {
		return w.putOff(ctx, j.Name, err), true
	}
	if newest > j.Sequence {
		w.rep.Step("%s: message %s is superseded by a newer one", j.Name, j.ID)
		return verdict{}, true
	}
	return verdict{}, false
}

// failed is the verdict on work that ended with an error.
func (w *worker) failed(ctx context.Context, what string, err error, log string) verdict {
	if v, over := w.interrupted(ctx, what); over {
		return v
	}
	w.rep.Warn("%s: %v", what, err)
	return verdict{fail: &queue.Failure{Reason: err.Error(), Log: log}}
}

// interrupted is the verdict on work that has ended since it may not go on.
func (w *worker) interrupted(ctx context.Context, what string) (v verdict, over bool) {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, queue.ErrLost):
		w.rep.Warn("%s: %v", what, cause)
		return verdict{lost: true}, true
	case errors.Is(cause, errDraining):
		w.rep.Step("%s: interrupted; the message returns to the queue", what)
		return verdict{again: true}, true
	}
	return verdict{}, false
}

// putOff is the verdict when the queue itself is in trouble: that isn't a failure of the message.
func (w *worker) putOff(ctx context.Context, what string, err error) verdict {
	v := w.failed(ctx, what, err, "")
	if v.fail != nil {
		return verdict{again: true}
	}
	return v
}

// begin makes the log of a run.
func (w *worker) begin(m queue.Message, image, digest string) (*buildlog.Run, error) {
	return w.Logs.Begin(buildlog.Build{
		Image: image, Message: m.ID, Sequence: m.Sequence, Attempt: m.Attempt + 1, Profile: digest, Worker: w.name,
		Started: time.Now().UTC(),
	})
}

// traced gives a failure from before the build a log, so that whoever asks for the image's builds sees it.
func (w *worker) traced(m queue.Message, image string, v verdict) verdict {
	failure := cmp.Or(v.fail, v.bury)
	if failure == nil || image == "" {
		return v
	}
	v.image = image
	run, err := w.begin(m, image, "")
	if err != nil {
		w.rep.Warn("%s: %v", image, err)
		return v
	}
	failure.Log = run.Log()
	w.close(run, image, buildlog.Result{Outcome: buildlog.Failed, Reason: failure.Reason})
	return v
}

// close ends a run, of which a failure is the log's last line.
func (w *worker) close(run *buildlog.Run, image string, r buildlog.Result) {
	if r.Outcome == buildlog.Failed {
		if err := run.Say("Failed: " + r.Reason); err != nil {
			w.rep.Warn("%s: %v", image, err)
		}
	}
	r.Ended = time.Now().UTC()
	if err := run.End(r); err != nil {
		w.rep.Warn("%s: %v", image, err)
	}
	if _, err := w.Logs.Prune(w.Keep, time.Now()); err != nil {
		w.rep.Warn("removing old logs: %v", err)
	}
}

// run builds all templates of a job, with logs.
func (w *worker) run(ctx context.Context, j *job) verdict {
	started := time.Now()
	run, err := w.begin(j.Message, j.Name, j.digest)
	if err != nil {
		return w.failed(ctx, j.Name, err, "")
	}
	w.rep.Step("%s: building, log %s", j.Name, run.Log())
	images, built, err := w.logged(ctx, j, run)
	if err == nil && w.Dependants != nil && len(images) > 0 {
		if err = w.Dependants(ctx, j.Name); err != nil {
			err = fmt.Errorf("asking for the builds of the images that start from this one: %w", err)
		}
	}
	if err == nil && len(images) > 0 {
		w.clear(ctx, j, images)
	}
	v, result := verdict{image: j.Name}, buildlog.Result{Images: images, Outcome: buildlog.Unchanged}
	switch {
	case errors.Is(err, errSuperseded):
		w.rep.Step("%s: message %s: %v", j.Name, j.ID, err)
	case err != nil:
		v = w.failed(ctx, j.Name, err, run.Log())
		v.image = j.Name
		result.Outcome, result.Reason = buildlog.Interrupted, fmt.Sprint(context.Cause(ctx))
		if v.fail != nil {
			result.Outcome, result.Reason = buildlog.Failed, v.fail.Reason
		}
	case built:
		result.Outcome, v.built = buildlog.Built, images
		w.rep.Step("%s: done in %s, current: %s", j.Name, time.Since(started).Round(time.Second), strings.Join(images, ", "))
	default:
		w.rep.Step("%s: the image is current already", j.Name)
	}
	w.close(run, j.Name, result)
	return v
}

// logged builds all templates into the run's log.
func (w *worker) logged(ctx context.Context, j *job, run *buildlog.Run) (images []string, built bool, err error) {
	f, err := os.OpenFile(run.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, false, fmt.Errorf("making the log: %w", err)
	}
	defer f.Close()
	log := &shared{to: f}
	files, err := w.hand(j, run.Folder)
	if err != nil {
		return nil, false, err
	}
	results := make([]outcome, len(j.Templates))
	if w.Parallel {
		var group sync.WaitGroup
		for n, template := range j.Templates {
			group.Go(func() { results[n] = w.guarded(ctx, j, template, files, log) })
		}
		group.Wait()
	} else {
		for n, template := range j.Templates {
			results[n] = w.guarded(ctx, j, template, files, log)
		}
	}
	var errs []error
	for n, r := range results {
		images = append(images, r.images...)
		built = built || r.built
		if r.err != nil && len(results) > 1 && !errors.Is(r.err, errSuperseded) {
			r.err = fmt.Errorf("%s: %w", filepath.Base(j.Templates[n]), r.err)
		}
		errs = append(errs, r.err)
	}
	// A failure counts for more than that another template's image is newer.
	if slices.ContainsFunc(errs, func(err error) bool { return err != nil && !errors.Is(err, errSuperseded) }) {
		errs = slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, errSuperseded) })
	}
	return images, built, errors.Join(errs...)
}

// outcome is that of one template.
type outcome struct {
	images []string
	built  bool
	err    error
}

// guarded turns a panic into an error: with several templates, it isn't on the goroutine of the message.
func (w *worker) guarded(ctx context.Context, j *job, template string, files handed, log io.Writer) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: fmt.Errorf("a defect of imgctl: %v", p)}
		}
	}()
	return w.build(ctx, j, template, files, log)
}

// handed are files of a run that templates may read.
type handed struct{ profile, sources string }

// hand writes what templates may read.
func (w *worker) hand(j *job, folder string) (handed, error) {
	files := handed{profile: filepath.Join(folder, "profile.json"), sources: w.SourceImages}
	if !json.Valid(j.Body) {
		return files, errors.New("the message isn't JSON")
	}
	if err := os.WriteFile(files.profile, j.Body, 0o600); err != nil {
		return files, fmt.Errorf("writing the profile for packer: %w", err)
	}
	if !j.named {
		return files, nil
	}
	// Templates know only ids.
	files.sources = filepath.Join(folder, "source-images.json")
	text, err := json.Marshal(map[string]string{j.system: j.SourceImage})
	if err == nil {
		err = os.WriteFile(files.sources, text, 0o600)
	}
	if err != nil {
		return files, fmt.Errorf("writing the source images for packer: %w", err)
	}
	return files, nil
}

// shared is a log that several templates write to.
type shared struct {
	mu sync.Mutex
	to io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(b)
}
