package upload

import (
	"testing"
	"time"
)

// HoldUp has a shared source not wait long for readers that stall.
func (s *Shared) HoldUp(testing.TB) { s.hold = 100 * time.Millisecond }
