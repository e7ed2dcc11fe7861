//go:build linux

package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/userland"
)

func authorizedKeysFile(acc userland.User) string {
	return filepath.Join(acc.Home, ".ssh", "authorized_keys")
}

// authorize adds keys to the account's authorized_keys, as cloud-init does.
func (u *users) authorize(acc userland.User, keys []string) error {
	file := authorizedKeysFile(acc)
	have, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading the keys of user %q: %w", acc.Name, err)
	}
	var add strings.Builder
	for _, key := range keys {
		if key = strings.TrimSpace(key); key != "" && !bytes.Contains(have, []byte(key)) {
			add.WriteString(key + "\n")
		}
	}
	if add.Len() == 0 {
		return nil
	}
	if len(have) > 0 && have[len(have)-1] != '\n' {
		have = append(have, '\n')
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the key folder of user %q: %w", acc.Name, err)
	}
	if err := os.WriteFile(file, append(have, add.String()...), 0o600); err != nil {
		return fmt.Errorf("writing the keys of user %q: %w", acc.Name, err)
	}
	if err := u.own(acc, dir); err != nil {
		return err
	}
	return u.own(acc, file)
}

// mayLogIn reports whether key is among the injected ones or the account's own.
func (u *users) mayLogIn(name string, key ssh.PublicKey) bool {
	var own []byte
	if acc, ok := userland.UserByName(name); ok {
		own, _ = os.ReadFile(authorizedKeysFile(acc))
	} else if !u.known(name) {
		return false
	}
	wanted := key.Marshal()
	for _, list := range append(slices.Clone(u.keys), string(own)) {
		rest := []byte(list)
		for len(rest) > 0 {
			pub, _, _, next, err := ssh.ParseAuthorizedKey(rest)
			if err != nil {
				break
			}
			if bytes.Equal(pub.Marshal(), wanted) {
				return true
			}
			rest = next
		}
	}
	return false
}
