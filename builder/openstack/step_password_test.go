package openstack

import (
	"strings"
	"testing"

	"github.com/hashicorp/packer-plugin-sdk/communicator/sshkey"
)

func TestPasswordKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name      string
		algorithm sshkey.Algorithm
		want      string
	}{
		{"RSA", sshkey.RSA, ""},
		{"ed25519", sshkey.ED25519, "ssh_private_key_file: a password can't be decrypted with a"},
		{"ECDSA", sshkey.ECDSA, "ssh_private_key_file: a password can't be decrypted with a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pair, err := sshkey.GeneratePair(tt.algorithm, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			key, err := passwordKey(pair.Private)
			if tt.want == "" && (err != nil || key == nil) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	if _, err := passwordKey([]byte("nonsense")); err == nil || !strings.Contains(err.Error(), "ssh_private_key_file") {
		t.Errorf("nonsense: %v", err)
	}
}
