package baremetal_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

var discard = report.Discard

// onStep is called with each step that is reported.
type onStep func(text string)

func (f onStep) Step(format string, args ...any) { f(fmt.Sprintf(format, args...)) }
func (onStep) Warn(string, ...any)               {}
func (onStep) Progress(string, int64, int64)     {}

// stopAfter cancels when a phase is over.
type stopAfter struct {
	phase string
	stop  context.CancelFunc
}

func (s stopAfter) Step(format string, args ...any) {
	if strings.HasPrefix(fmt.Sprintf(format, args...), s.phase) {
		s.stop()
	}
}
func (stopAfter) Warn(string, ...any)           {}
func (stopAfter) Progress(string, int64, int64) {}
