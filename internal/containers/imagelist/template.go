package imagelist

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/render"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Template is a user's Jinja2 template in TripleO's format.
type Template struct{ path string }

// renderTime bounds one rendering, where its processor time isn't what ends it first; the templates in use take some ten
// milliseconds.
const renderTime = 2 * time.Minute

// FromFile is the list of the template. It may include files of its own folder and those below.
func FromFile(path string) (*Template, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", path, err)
	}
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, foreignfile.Unreadable(path, err)
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "", "template %s: not a file", path)
	}
	return &Template{path}, nil
}

// Render renders the template in a process of its own, whose time and memory are bounded, as a
// template may loop for ever.
func (t *Template) Render(ctx context.Context, v Variables) ([]Image, error) {
	variables, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", t.path, err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, renderTime, fmt.Errorf("takes too long to render: more than %s", renderTime))
	defer cancel()
	out, err := render.InChild(ctx, t.path, variables)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
			err = cause
		}
		kind := fault.Usage
		if errors.Is(err, context.Canceled) {
			kind = fault.Cancelled
		}
		return nil, fault.Wrap(kind, "", fmt.Errorf("template %s: %w", t.path, err))
	}
	root, err := foreignfile.Tree(t.path+" (rendered)", []byte(out))
	if err != nil {
		return nil, err
	}
	return fromDocument(root)
}
