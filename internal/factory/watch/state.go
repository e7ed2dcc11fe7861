package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

// state is what the last run knew, in a file of the cache folder.
type state struct {
	Version  int               `json:"version"`
	Source   string            `json:"source"` // the locations that the versions are of
	Scope    string            `json:"scope"`  // the options that decide which profiles of the index are read, and how
	Index    version           `json:"index,omitzero"`
	Sequence int64             `json:"sequence"` // of the last message
	Profiles map[string]*known `json:"profiles"`

	text []byte // as it was read; nil on the first run
}

// known is a profile whose content has been sent, or counts as built.
type known struct {
	Mark    string    `json:"mark,omitempty"` // of the index
	Version version   `json:"version,omitzero"`
	Bytes   string    `json:"bytes,omitempty"`  // digest of the file
	Digest  string    `json:"digest,omitempty"` // of the content
	Image   string    `json:"image,omitempty"`
	Unread  bool      `json:"unread,omitempty"` // it counts as built while the index has this mark, but couldn't be read yet
	Gone    time.Time `json:"gone,omitzero"`    // since when the index doesn't list it
}

// The names in the cache folder.
const (
	stateFile = "imgctl-watch.json"
	lockFile  = ".imgctl-watch.lock"
)

// kept is how long a profile that is gone is remembered, so that it isn't built again if it comes back as it was.
const kept = 365 * 24 * time.Hour

// load reads the state; an empty one if there is none.
func load(cache string) (*state, error) {
	path := filepath.Join(cache, stateFile)
	s := &state{Version: 1, Profiles: map[string]*known{}}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return nil, foreignfile.Unreadable(path, err)
	}
	if err := json.Unmarshal(text, s); err != nil || s.Version != 1 || s.Profiles == nil {
		return nil, fault.New(fault.Internal, "move it away to begin with a first run",
			"reading %s: this was not written by this program", path)
	}
	for name, k := range s.Profiles {
		if k == nil {
			delete(s.Profiles, name)
		}
	}
	s.text = text
	return s, nil
}

func (s *state) first() bool { return s.text == nil }

// save writes the state unless it is as it was.
func (s *state) save(cache string) error {
	for name, k := range s.Profiles {
		if !k.Gone.IsZero() && time.Since(k.Gone) > kept {
			delete(s.Profiles, name)
		}
	}
	text, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return fmt.Errorf("writing what has been sent: %w", err)
	}
	if bytes.Equal(text, s.text) {
		return nil
	}
	if err := wholefile.Replace(filepath.Join(cache, stateFile), 0o600, text); err != nil {
		return err
	}
	s.text = text
	return nil
}
