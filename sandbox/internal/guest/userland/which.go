//go:build linux

package userland

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/control"
)

// Which finds the executable of a command in environ's $PATH, seen from dir.
func Which(name string, environ []string, dir string) (string, error) {
	if strings.Contains(name, "/") {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		st, err := os.Stat(path)
		if err != nil {
			return "", fmt.Errorf("%s: %s", name, Reason(err))
		}
		if st.IsDir() || st.Mode()&0o111 == 0 {
			return "", fmt.Errorf("%s: Permission denied", name)
		}
		return path, nil
	}
	path := lookup(environ, "PATH")
	if path == "" {
		path = "/usr/bin:/bin"
	}
	for _, d := range append(filepath.SplitList(path), control.AgentDir+"/bin") {
		file := filepath.Join(dir, d, name)
		if filepath.IsAbs(d) {
			file = filepath.Join(d, name)
		}
		if st, err := os.Stat(file); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}

func which(p *Proc) int {
	_, names, ok := p.options("as", "all=a")
	if !ok {
		return 1
	}
	status := 0
	for _, name := range names {
		path, err := Which(name, p.Environ, p.Dir)
		if err != nil {
			status = 1
			continue
		}
		fmt.Fprintln(p.Out, path)
	}
	return status
}
