//go:build !unix

package disk

import "errors"

// NoFollow isn't known here.
const NoFollow = 0

// Free isn't known here.
func Free(string) (int64, error) { return 0, errors.ErrUnsupported }

func full(error) bool { return false }

func readOnly(error) bool { return false }
