//go:build !unix

package wholefile

import (
	"context"
	"os"
)

func lock(context.Context, *os.File, func()) error { return nil }

func keepOwner(*os.File, os.FileInfo) {}
