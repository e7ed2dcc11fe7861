//go:build linux

package agent

import (
	"crypto/subtle"
)

// passwords reports whether any password may be used.
func (a *agent) passwords() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.password != "" || len(userPasswords) > 0
}

// userPasswords are those that cloud-config's chpasswd and users set; guarded by agent.mu.
var userPasswords = map[string]string{}

func (a *agent) passwordFits(name, given string) bool {
	a.mu.Lock()
	want, ok := userPasswords[name]
	if !ok {
		want = a.password
	}
	a.mu.Unlock()
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(given)) != 1 {
		return false
	}
	return a.users.known(name)
}
