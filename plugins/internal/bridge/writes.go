package bridge

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// CanWrite is the error of files of the flags that can't be written because their folders don't exist. A command that
// works for minutes asks it first.
func CanWrite(in *sdk.Input, flags ...string) error {
	for _, flag := range flags {
		if err := canWrite(in.File(flag)); err != nil {
			return fault.In(flag, err)
		}
	}
	return nil
}

func canWrite(file string) error {
	if file == "" {
		return nil
	}
	switch info, err := os.Stat(filepath.Dir(file)); {
	case err != nil:
		return fault.Wrap(fault.NotFound, "create the folder first", fmt.Errorf("writing %s: %w", file, err))
	case !info.IsDir():
		return fault.New(fault.Usage, "", "writing %s: %s is no folder", file, filepath.Dir(file))
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fault.New(fault.Usage, "name a file in it", "writing %s: it is a folder", file)
	}
	return nil
}
