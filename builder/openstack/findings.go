package openstack

import (
	"fmt"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// findings are the results of Prepare: errors that must be fixed, and warnings.
type findings struct {
	errs     []error
	warnings []string
}

// bad refuses the options. The message begins with the option's name.
func (f *findings) bad(hint, format string, args ...any) {
	f.errs = append(f.errs, fault.New(fault.Usage, hint, format, args...))
}

// warn is for options that make no sense, but with which HashiCorp's plugin builds.
func (f *findings) warn(format string, args ...any) {
	f.warnings = append(f.warnings, fmt.Sprintf(format, args...))
}
