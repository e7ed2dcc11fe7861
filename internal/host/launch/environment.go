package launch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// passed are the variables that every plugin gets: for finding programs and files, for the language and for
// the network. None of them holds credentials.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "LANG", "LANGUAGE", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	"http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

func environment(all []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return !slices.Contains(passed, name) && !strings.HasPrefix(name, "LC_")
	})
}

// longestFolder keeps sockets' paths below the 108 bytes that the kernel has room for.
const longestFolder = 64

// socketFolder is a folder of the user's alone, for the folders that plugins' sockets are in, and what
// removes it when it isn't there for all plugins.
func socketFolder() (folder string, remove func(), err error) {
	own := fmt.Sprintf("imgctl-%d", os.Getuid())
	candidates := []string{filepath.Join(os.TempDir(), own), filepath.Join("/tmp", own)}
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) {
		candidates = slices.Insert(candidates, 0, filepath.Join(runtime, "imgctl"))
	}
	for _, folder := range candidates {
		if len(folder) <= longestFolder && private(folder) == nil {
			sweep(folder)
			return folder, func() {}, nil
		}
	}
	// Another user has taken the names, or they are too long: use a name that nobody can guess.
	var failed error
	for _, dir := range []string{os.TempDir(), "/tmp", "/var/tmp", "/dev/shm"} {
		if len(dir) > longestFolder-len("/imgctl-0123456789") {
			continue
		}
		folder, err := os.MkdirTemp(dir, "imgctl-")
		if err == nil {
			return folder, func() { _ = os.RemoveAll(folder) }, nil
		}
		failed = errors.Join(failed, err)
	}
	return "", nil, fmt.Errorf("making a folder for the plugin's socket: %w", failed)
}

// private makes the folder, or makes sure that nobody else can reach into it.
func private(folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !mine(info) {
		return fault.New(fault.Forbidden, "remove it", "%s is not only yours", folder)
	}
	return nil
}
