package transfer

import (
	"errors"
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// errs are the images' failures as one error: partial where others succeeded.
func (p *Plan) errs() error {
	var failed []error
	for _, i := range p.Images {
		if i.Err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", i.Target, i.Err))
		}
	}
	switch {
	case len(failed) == 0:
		return nil
	case len(failed) == len(p.Images):
		return fault.Wrap(fault.KindOf(failed[0]), "", fmt.Errorf("no image was copied: %w", errors.Join(failed...)))
	}
	return fault.Wrap(fault.Partial, "", fmt.Errorf("%d of %d images failed: %w", len(failed), len(p.Images), errors.Join(failed...)))
}

// LeftOut is what Apply can't do: images that can't be looked up, or more than a disk has room for.
func (p *Plan) LeftOut() error {
	if err := p.fits(); err != nil {
		return err
	}
	return p.errs()
}
