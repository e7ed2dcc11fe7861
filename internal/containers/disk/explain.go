package disk

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// explain gives an error of writing its kind.
func explain(name string, err error) error {
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	kind := fault.Internal
	switch {
	case full(err):
		kind = fault.Quota
	case errors.Is(err, fs.ErrPermission), readOnly(err):
		kind = fault.Forbidden
	}
	return fault.Wrap(kind, "", fmt.Errorf("writing %s: %w", name, err))
}

// Explain is err of writing the named file, with its kind; nil stays nil.
func Explain(name string, err error) error {
	if err == nil {
		return nil
	}
	return explain(name, err)
}
