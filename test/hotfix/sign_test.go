package hotfix_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/rpm/rpmfile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/test/hotfix/rpmtest"
)

// keyring is a folder of GnuPG's with one key, and the file of its public half.
func keyring(t *testing.T, algorithm string) (home, public string) {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // sockets need a short name
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "gpg-agent").Run()
		_ = os.RemoveAll(home)
	})
	rpmtest.Run(t, "gpg", "--homedir", home, "--batch", "--passphrase", "", "--quick-gen-key", "maker", algorithm, "sign", "never")
	public = filepath.Join(t.TempDir(), "key.asc")
	rpmtest.Run(t, "gpg", "--homedir", home, "--batch", "--armor", "--output", public, "--export", "maker")
	return home, public
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	rpmtest.Need(t)
	for _, tool := range []string{"gpg", "rpmsign"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s isn't installed: nothing can be signed", tool)
		}
	}
	home, public := keyring(t, "rsa3072")
	_, other := keyring(t, "ed25519")
	gpg, err := exec.LookPath("gpg")
	if err != nil {
		t.Fatal(err)
	}
	signed, unsigned := rpmtest.Build(t, "", nova("1")), rpmtest.Build(t, "", nova("1"))
	file := filepath.Join(signed, "nova-1-1.noarch.rpm")
	rpmtest.Run(t, "rpmsign", "--define", "_gpg_name maker", "--define", "_gpg_path "+home, "--define", "__gpg "+gpg, "--addsign", file)

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-20] ^= 1
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "nova.rpm"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		folder string
		keys   []string
		want   string // "" is taken
	}{
		"no keys":            {unsigned, nil, ""},
		"the right key":      {signed, []string{other, public}, ""},
		"another key":        {signed, []string{other}, "isn't among the ones given"},
		"unsigned":           {unsigned, []string{public}, "isn't signed"},
		"broken payload":     {broken, nil, "payload"},
		"signed, but broken": {broken, []string{public}, "payload"},
	} {
		keys, err := rpmfile.ReadKeys(tt.keys)
		if err != nil {
			t.Fatal(err)
		}
		files, err := rpmfile.Folder(t.Context(), tt.folder, keys)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.want == "" && tt.keys != nil && files[0].Signed == "":
			t.Errorf("%s: nobody signed it", name)
		case tt.want != "" && (!fault.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: got %v, want it to say %q", name, err, tt.want)
		}
	}
}
