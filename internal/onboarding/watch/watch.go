// Package watch measures how a donated cloud does, keeps the figures in a small file, and tells when the last day is worse
// than the weeks before.
package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// Sample is one measurement. What wasn't measured is 0, and so are the numbers that say how often.
type Sample struct {
	At       time.Time `json:"at"`
	Requests int       `json:"requests"`       // sent to the services, repeated ones included
	Failed   int       `json:"failed"`         // of them
	API      float64   `json:"api_seconds"`    // 95th percentile of the duration of a list
	Boots    int       `json:"boots"`          // servers that became active since the sample before
	Broken   int       `json:"broken"`         // servers that ended in ERROR instead
	Boot     float64   `json:"boot_seconds"`   // median time from the request for a server until it was active
	Upload   float64   `json:"upload_mib_per"` // MiB per second of an upload; 0 if none was made
}

// History are the samples of one project in one region, the oldest first.
type History struct {
	Version int      `json:"version"`
	Cloud   string   `json:"cloud"`
	Region  string   `json:"region"`
	Samples []Sample `json:"samples"`
}

const (
	version    = 1
	maxFile    = 8 << 20              // bytes
	maxSamples = 20_000               // every 15 minutes of half a year
	kept       = 180 * 24 * time.Hour // before the newest sample
)

// Read reads a history of a cloud's region. A file that doesn't exist is an empty one; one of another cloud is an error.
func Read(path, cloud, region string) (*History, error) {
	h := &History{Version: version, Cloud: cloud, Region: region}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h, nil
	case err != nil:
		return nil, fmt.Errorf("reading the history: %w", err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "", "%s is no history: it is no regular file", path)
	case info.Size() > maxFile:
		return nil, fault.New(fault.Usage, "", "%s is no history: it has %d bytes", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	*h = History{}
	switch err := d.Decode(h); {
	case err != nil:
		return nil, fault.New(fault.Usage, "", "%s is no history: %w", path, err)
	case h.Version != version:
		return nil, fault.New(fault.Usage, "use a newer version of imgctl", "%s is a history of version %d; this is version %d", path,
			h.Version,
			version)
	case h.Cloud != cloud || h.Region != region:
		return nil, fault.New(fault.Usage, "use a file for each", "%s is the history of cloud %q, region %q, not of cloud %q, region %q",
			path,
			h.Cloud, h.Region, cloud, region)
	}
	slices.SortStableFunc(h.Samples, func(a, b Sample) int { return a.At.Compare(b.At) })
	return h, nil
}

// Last is when the newest sample was taken; zero if there is none.
func (h *History) Last() time.Time {
	if len(h.Samples) == 0 {
		return time.Time{}
	}
	return h.Samples[len(h.Samples)-1].At
}

// Add adds a sample, and drops those that are too old.
func (h *History) Add(s Sample) {
	h.Samples = append(h.Samples, s)
	slices.SortStableFunc(h.Samples, func(a, b Sample) int { return a.At.Compare(b.At) })
	oldest := h.Last().Add(-kept)
	h.Samples = slices.DeleteFunc(h.Samples, func(s Sample) bool { return s.At.Before(oldest) })
	h.Samples = h.Samples[max(0, len(h.Samples)-maxSamples):]
}

// holdTimeout is far longer than a run needs to add a sample.
const holdTimeout = time.Minute

// Record adds a sample to the history at path, and returns the history. Samples that other runs add at the same time
// aren't lost.
func Record(ctx context.Context, path, cloud, region string, s Sample) (*History, error) {
	waiting, cancel := context.WithTimeout(ctx, holdTimeout)
	defer cancel()
	release, err := wholefile.Hold(waiting, path)
	if err != nil {
		return nil, err
	}
	defer release()
	h, err := Read(path, cloud, region)
	if err != nil {
		return nil, err
	}
	h.Add(s)
	return h, h.Write(path)
}

// Write writes the history, all or nothing.
func (h *History) Write(path string) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return wholefile.Replace(path, 0o644, append(text, '\n'))
}
