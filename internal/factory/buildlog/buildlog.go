// Package buildlog keeps what builds have said: a folder per image, in it a folder per run. A run's folder has
// build.json, which says what is built, packer.log and, when the run has ended, result.json.
package buildlog

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/filelock"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// The files of a run.
const (
	BuildFile  = "build.json"
	LogFile    = "packer.log"
	ResultFile = "result.json"
	goingFile  = ".going"
	latest     = "latest"
)

// Build is what a run builds.
type Build struct {
	Image    string    `json:"image"`
	Message  string    `json:"message"`
	Sequence int64     `json:"sequence,omitempty"`
	Attempt  int       `json:"attempt"` // 1 for the first
	Profile  string    `json:"profile_sha256"`
	Worker   string    `json:"worker"` // host and process
	Started  time.Time `json:"started"`
}

// The ways a run ends.
const (
	Built       = "built"       // there are new images
	Unchanged   = "unchanged"   // the images were there already
	Failed      = "failed"      // and the message comes again, or is a dead letter
	Interrupted = "interrupted" // the message comes again, which counts as no failure
)

// Result is how a run has ended.
type Result struct {
	Outcome string    `json:"outcome"`
	Reason  string    `json:"reason,omitempty"` // of a failure
	Images  []string  `json:"images,omitempty"` // ids of those that are current now
	Ended   time.Time `json:"ended"`
}

// Store is the folder of all logs.
type Store struct{ folder string }

// In is the store in a folder, which need not exist yet.
func In(folder string) (*Store, error) {
	if folder == "" {
		return nil, fault.New(fault.Usage, "", "the folder for logs has an empty name")
	}
	folder, err := filepath.Abs(folder)
	return &Store{folder}, err
}

// folderName is an image's name as that of a folder: anything but letters, digits and some marks is
// percent-encoded, and so is a leading dot.
func folderName(image string) string {
	name := strings.NewReplacer("_", "%5F", "+", "_").Replace(url.QueryEscape(image)) // spaces, which are common, are underscores
	if strings.HasPrefix(name, ".") {
		name = "%2E" + name[1:]
	}
	return name
}

// imageName is the inverse of folderName.
func imageName(folder string) (string, bool) {
	name, err := url.QueryUnescape(strings.ReplaceAll(folder, "_", "+"))
	return name, err == nil
}

// Run is one run's logs.
type Run struct {
	ID      string // its folder's name, which begins with the time it started
	Folder  string
	Build   Build
	Result  *Result // nil while it runs, or if its worker died
	started time.Time
	bytes   int64
	going   *os.File // locked while it runs
}

// Begin makes the folder of a new run.
func (s *Store) Begin(b Build) (*Run, error) {
	image := filepath.Join(s.folder, folderName(b.Image))
	run := uuid.NewString()[:8]
	r := &Run{ID: b.Started.UTC().Format("20060102T150405Z") + "-" + run, Build: b, started: b.Started}
	r.Folder = filepath.Join(image, r.ID)
	if err := os.MkdirAll(image, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the logs: %w", err)
	}
	if err := os.Mkdir(r.Folder, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of the logs: %w", err)
	}
	if err := r.goOn(); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(r.Folder, BuildFile), b); err != nil {
		return nil, err
	}
	// Whoever follows the link sees the old run or the new one.
	link := filepath.Join(image, ".latest-"+run)
	err := os.Symlink(r.ID, link)
	if err == nil {
		err = os.Rename(link, filepath.Join(image, latest))
	}
	if err != nil {
		return nil, fmt.Errorf("naming the latest run: %w", err)
	}
	return r, nil
}

// Log is the path of the run's log.
func (r *Run) Log() string { return filepath.Join(r.Folder, LogFile) }

// Say adds a line to the log.
func (r *Run) Say(text string) error {
	f, err := os.OpenFile(r.Log(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), text)
	return errors.Join(err, f.Close())
}

// goOn marks the run as one that is going on, until it ends or this process does.
func (r *Run) goOn() (err error) {
	r.going, err = filelock.Create(filepath.Join(r.Folder, goingFile), 0o640)
	if err != nil {
		return fmt.Errorf("marking the run: %w", err)
	}
	return nil
}

// Running reports whether the run goes on. It can't be told of a run on another machine whose logs are mounted here.
func (r *Run) Running() bool {
	return r.Result == nil && filelock.Held(filepath.Join(r.Folder, goingFile))
}

// End says how the run has ended.
func (r *Run) End(result Result) error {
	r.Result = &result
	err := writeJSON(filepath.Join(r.Folder, ResultFile), result)
	if r.going != nil {
		filelock.Close(r.going)
		err = errors.Join(err, os.Remove(filepath.Join(r.Folder, goingFile)))
		r.going = nil
	}
	return err
}

func writeJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Replace(path, 0o640, append(text, '\n'))
}

// Images are the names of the images that have logs.
func (s *Store) Images() ([]string, error) {
	entries, err := os.ReadDir(s.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := imageName(e.Name()); ok && e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, err
}

// Runs are an image's runs, the latest first.
func (s *Store) Runs(image string) ([]*Run, error) {
	folder := filepath.Join(s.folder, folderName(image))
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var runs []*Run
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if r := read(filepath.Join(folder, e.Name())); r != nil {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, func(a, b *Run) int { return cmp.Or(b.started.Compare(a.started), cmp.Compare(b.ID, a.ID)) })
	return runs, err
}

// read reads a run's folder; nil if it isn't one, or another process is just removing it.
func read(folder string) *Run {
	r := &Run{ID: filepath.Base(folder), Folder: folder}
	text, err := os.ReadFile(filepath.Join(folder, BuildFile))
	if err != nil || json.Unmarshal(text, &r.Build) != nil {
		return nil
	}
	r.started = r.Build.Started
	if text, err = os.ReadFile(filepath.Join(folder, ResultFile)); err == nil {
		var result Result
		if json.Unmarshal(text, &result) == nil {
			r.Result = &result
		}
	}
	files, _ := os.ReadDir(folder)
	for _, f := range files {
		if info, err := f.Info(); err == nil {
			r.bytes += info.Size()
		}
	}
	return r
}
