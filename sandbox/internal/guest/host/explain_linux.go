package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// explain says what to enable where the kernel refused a name space.
func explain(err error) error {
	refused := errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EUSERS) ||
		errors.Is(err, syscall.EINVAL) || strings.Contains(err.Error(), "not permitted") ||
		strings.Contains(err.Error(), "permission denied")
	if !refused {
		return err
	}
	for _, s := range []struct{ key, bad, remedy string }{
		{"user.max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"},
		{"kernel.unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"},
		{
			"kernel.apparmor_restrict_unprivileged_userns", "1",
			"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile that allows userns for the agent",
		},
	} {
		v, rerr := os.ReadFile("/proc/sys/" + strings.ReplaceAll(s.key, ".", "/"))
		if rerr != nil || strings.TrimSpace(string(v)) != s.bad {
			continue
		}
		if os.Geteuid() == 0 && s.key != "user.max_user_namespaces" {
			continue // holds for unprivileged users alone
		}
		return fmt.Errorf("%w: %w; %s is %s, allow user name spaces with: %s", ErrUnsupported, err, s.key, s.bad, s.remedy)
	}
	return fmt.Errorf("%w: %w; user name spaces seem to be forbidden: in a container, run it with --privileged, or with "+
		"--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined", ErrUnsupported, err)
}
