//go:build linux && !amd64 && !arm64

package agent

import (
	"fmt"
	"runtime"
)

// installFilter refuses: without the filter a guest isn't held to what docs/sandbox.md promises.
func installFilter(bool) error {
	return fmt.Errorf("guests run on amd64 and arm64, not on %s", runtime.GOARCH)
}
