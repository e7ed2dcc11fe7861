package buildlog

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
)

// Find is an image's run by its id or the part of it behind the time; the latest one for "".
func (s *Store) Find(image, run string) (*Run, error) {
	runs, err := s.Runs(image)
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fault.New(fault.NotFound, fault.Advise("look at the names with %s", fault.Do("factory", "status")),
			"no logs of image %q in %s", image, s.folder)
	}
	for _, r := range runs {
		if run == "" || r.ID == run || strings.HasSuffix(r.ID, "-"+run) {
			return r, nil
		}
	}
	ids := make([]string, len(runs))
	for n, r := range runs {
		ids[n] = r.ID
	}
	return nil, fault.New(fault.NotFound, fault.Advise("set %s to one of %s", fault.Option("run"), strings.Join(ids, ", ")),
		"image %q has no run %q", image, run)
}

// followPause is how often a log that grows is looked at.
const followPause = 200 * time.Millisecond

// Show writes the run's log, and with follow what is added to it until the run has ended.
func (r *Run) Show(ctx context.Context, to io.Writer, follow bool) error {
	var f *os.File
	var err error
	for {
		ended := r.ended() // before the log is looked for
		f, err = os.Open(r.Log())
		if !errors.Is(err, fs.ErrNotExist) || !follow || ended || !change.Sleep(ctx, followPause) {
			break
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it ended before packer was started, or has not got there
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		ended := r.ended() // before the last look at the log
		if _, err := io.Copy(to, f); err != nil {
			return err
		}
		if !follow || ended {
			return nil
		}
		if !change.Sleep(ctx, followPause) {
			return context.Cause(ctx)
		}
	}
}

func (r *Run) ended() bool {
	_, err := os.Stat(filepath.Join(r.Folder, ResultFile))
	return err == nil || !filelock.Held(filepath.Join(r.Folder, goingFile))
}
