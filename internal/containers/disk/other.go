//go:build !unix

package disk

import (
	"context"
	"errors"
	"os"
)

// Free isn't known here.
func Free(string) (int64, error) { return 0, errors.ErrUnsupported }

// Lock does nothing here.
func Lock(context.Context, *os.File, string) error { return nil }

// Share does nothing here.
func Share(*os.File) error { return nil }

// Own does nothing here.
func Own(*os.File) error { return nil }

func full(error) bool { return false }

func readOnly(error) bool { return false }
