package modify_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/modify"
	"github.com/imgctl/packer-plugin-openstack/test/program"
)

// own is a world in which the role site-harden is a shell script.
func own(t *testing.T, script string) (*world, modify.Job) {
	t.Helper()
	w := start(t)
	file := filepath.Join(t.TempDir(), "harden")
	program.Write(t, file, "#!/bin/sh\nset -eu\n"+script)
	w.o.Roles = map[string][]string{"site-harden": {file, "--level", "2"}}
	j := w.job("nova-compute:1", map[string]any{"strict": true})
	j.Role = "site-harden"
	return w, j
}

func TestOwnCommand(t *testing.T) {
	t.Parallel()
	request := filepath.Join(t.TempDir(), "request")
	w, j := own(t, `cat >`+request+`
echo "level $2 for $IMGCTL_SOURCE_IMAGE"
cp -R "$IMGCTL_SOURCE_LAYOUT"/. "$IMGCTL_TARGET_LAYOUT"
`)
	p, err := w.apply(j)
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Modify[0]; i.Executor != modify.Command || !strings.Contains(i.Why, "harden") {
		t.Errorf("it is by %s: %s", i.Executor, i.Why)
	}
	if !w.heard("nova-compute: level 2 for " + w.host + "/ns/nova-compute:1") {
		t.Errorf("it said %q", w.said)
	}
	var got map[string]any
	text, err := os.ReadFile(request)
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	digest, _ := w.get("ns/nova-compute:1").Digest()
	for key, want := range map[string]string{
		"role": "site-harden", "source_image": w.host + "/ns/nova-compute:1", "source_digest": digest.String(),
		"target_image": w.host + "/mine/nova-compute:1-x", "modified_append_tag": "-x",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %q", key, got[key], want)
		}
	}
	if v, _ := got["variables"].(map[string]any); v["strict"] != true {
		t.Errorf("the variables are %v", got["variables"])
	}
	if config := w.config("mine/nova-compute:1-x").Config; config.User != "nova" || config.Labels[modify.TagLabel] != "-x" {
		t.Errorf("the configuration is %+v", config)
	}
	if again, err := w.apply(j); err != nil || !again.Done() {
		t.Errorf("the second time: %v", err)
	}
}

func TestOwnCommandFails(t *testing.T) {
	t.Parallel()
	copied := `cp -R "$IMGCTL_SOURCE_LAYOUT"/. "$IMGCTL_TARGET_LAYOUT"; `
	for script, want := range map[string]string{
		"echo the disk is full >&2; exit 7": "harden",
		"true":                              "the command left no OCI layout in",
		copied + `rm "$IMGCTL_TARGET_LAYOUT"/index.json`:                                                           "the command left no OCI layout in",
		copied + `echo '{"manifests":[]}' > "$IMGCTL_TARGET_LAYOUT"/index.json`:                                    "the layout's index lists 0 manifests",
		copied + `for f in "$IMGCTL_TARGET_LAYOUT"/blobs/sha256/*; do rm "$f"; echo x >"$f"; done`:                 "the command's result",
		copied + `cd "$IMGCTL_TARGET_LAYOUT"/blobs/sha256; for f in *; do [ $(head -c1 $f) = '{' ] || rm $f; done`: "the command's result is broken",
		"sleep 100 & wait": "it took longer than 3s",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			w, j := own(t, script)
			w.o.Timeout = time.Minute
			if strings.HasPrefix(script, "sleep") {
				w.o.Timeout = 3 * time.Second
			}
			_, err := w.apply(j)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
			if w.has("mine/nova-compute:1-x") {
				t.Error("there is an image")
			}
		})
	}
}
