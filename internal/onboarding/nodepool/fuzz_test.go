package nodepool_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/nodepool"
)

// FuzzDisable disables and enables the first provider of any file: it ends in the same bytes, or in an error.
func FuzzDisable(f *testing.F) {
	text, err := os.ReadFile(launcher)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		string(text), "providers: [{name: a, pools: [{name: p, max-servers: 3}]}]", "providers:\r\n- name: a\r\n  pools:\r\n  - name: p",
		"providers: &p [{name: a, pools: *p}]", "providers:\n- name: a\n  diskimages: *d\n",
		"x: &d [{name: i}]\nproviders:\n- name: a\n  diskimages: *d\n  pools:\n  - {name: p, <<: {max-servers: 3}}\n",
		"? providers\n: - name: a\n    pools: [name: p]", "\uFEFFproviders:\n- name: \"a\"\n  pools:\n  - max-servers: !!int 3\n    " +
			"name: p",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "n.yaml")
		c, err := nodepool.Parse(path, []byte(text))
		if err != nil {
			return
		}
		c.Validate()
		if len(c.Providers()) == 0 {
			return
		}
		{
			name := c.Providers()[0]
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			o := nodepool.Options{Provider: name, PauseUploads: true}
			p, err := c.Disable(o)
			if err != nil {
				if k := fault.KindOf(err); k == fault.Internal {
					t.Errorf("disabling: %v", err)
				}
				return
			}
			if err := p.Apply(t.Context(), quiet{}); err != nil {
				t.Fatal(err)
			}
			disabled := read(t, path)
			if again, err := disabled.Disable(o); err != nil || !again.Done() {
				t.Errorf("disabling again: %v", err)
			}
			back, err := disabled.Enable(o)
			if p.Done() { // somebody else may have disabled it
				return
			}
			if err != nil {
				t.Fatalf("enabling: %v\n%q", err, disabled.Text)
			}
			if string(back.After()) != text {
				t.Errorf("enabled, it is\n%q, it was\n%q", back.After(), text)
			}
			return
		}
	})
}
