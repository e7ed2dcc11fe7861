package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/decide"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// unreadable are images that registries couldn't be asked about.
type unreadable struct{ images []decide.Unread }

// notRead is the error of those images, nil if there are none. Its kind is that of the first.
func notRead(images []decide.Unread) error {
	if len(images) == 0 {
		return nil
	}
	slices.SortStableFunc(images, func(a, b decide.Unread) int { return strings.Compare(a.Source.String(), b.Source.String()) })
	return fault.Wrap(fault.KindOf(images[0].Err), "", &unreadable{images})
}

func (u *unreadable) Error() string { return errors.Join(u.Unwrap()...).Error() }

// Unwrap gives the images' errors.
func (u *unreadable) Unwrap() []error {
	errs := make([]error, len(u.images))
	for n, image := range u.images {
		errs[n] = image.Err
	}
	return errs
}

// of is the error of those that have one of the parts in their names.
func (u *unreadable) of(parts []string) error {
	return notRead(slices.DeleteFunc(slices.Clone(u.images), func(image decide.Unread) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(image.Source.String(), part) })
	}))
}
