package scenario

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/test/storetest"
)

// people are the entries of the clouds.yaml that scripts know, and who test/openstack calls by
// another name.
var people = map[string]string{
	"admin": "", "demo": "ci", "reader": "", "member-a": "zuul", "member-b": "target", "other": "source",
}

func realName(person string) string { return cmp.Or(people[person], person) }

// world is one script's cloud.
type world struct {
	t       testing.TB
	sandbox *sandbox.Cloud // nil on a real cloud
	file    string         // clouds.yaml
	run     string         // is in the name of all that the script makes

	mu          sync.Mutex
	connections map[string]*connection

	registries map[string]*watched // by their variables
	swift      *storetest.Swift    // nil until it is started
	web        *storetest.Web
}

func newRun() string { return uuid.NewString()[:8] }

// rename writes a clouds.yaml in which the entries have the names that scripts know.
func (w *world) rename(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var in struct {
		Clouds map[string]map[string]any `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &in); err != nil {
		return fmt.Errorf("reading %q: %w", file, err)
	}
	out := map[string]any{}
	for person := range people {
		entry, ok := in.Clouds[realName(person)]
		if !ok {
			return fmt.Errorf("%q has no entry %q", file, realName(person))
		}
		out[person] = entry
	}
	if text, err = yaml.Marshal(map[string]any{"clouds": out}); err != nil {
		return err
	}
	return os.WriteFile(w.file, text, 0o600)
}

// as is the connection of an entry of the clouds.yaml.
func (w *world) as(person string) (*connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.connections[person]; c != nil {
		return c, nil
	}
	c, err := connect(w.t.Context(), w.file, person)
	if err != nil {
		return nil, fmt.Errorf("logging in as %s: %w", person, err)
	}
	if w.connections == nil {
		w.connections = map[string]*connection{}
	}
	w.connections[person] = c
	return c, nil
}

// person is who has the project, or its id where nobody has it.
func (w *world) person(project string) (string, error) {
	for person := range people {
		if person == "reader" {
			continue // shares its project
		}
		c, err := w.as(person)
		if err != nil {
			return "", err
		}
		if c.project == project {
			return person, nil
		}
	}
	return project, nil
}

// named refuses a name that couldn't be told from other scripts' on a cloud they share.
func (w *world) named(name string) error {
	if !strings.Contains(name, w.run) {
		return fmt.Errorf("the name %q needs $RUN in it, as a real cloud has other scripts' objects too", name)
	}
	return nil
}

// cleanUp deletes the script's images. Servers and all else are deleted by who made them.
func (w *world) cleanUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := connect(ctx, w.file, "admin")
	if err != nil {
		w.t.Error(err)
		return
	}
	all, err := admin.list(ctx, images.ListOpts{})
	if err != nil {
		w.t.Error(err)
	}
	for _, i := range all {
		if !strings.Contains(i.Name, w.run) {
			continue
		}
		if i.Protected {
			_, err = images.Update(ctx, admin.images, i.ID, images.UpdateOpts{images.ReplaceImageProtected{NewProtected: false}}).Extract()
		}
		if e := images.Delete(ctx, admin.images, i.ID).ExtractErr(); cmp.Or(err, e) != nil {
			w.t.Errorf("deleting image %q: %v", i.Name, cmp.Or(err, e))
		}
	}
}

// rootFS is the smallest image there is: a root file system of one file, with the sandbox's shell.
func rootFS() []byte {
	const text = "NAME=tiny\n"
	var b bytes.Buffer // takes all that is written
	w := tar.NewWriter(&b)
	_ = w.WriteHeader(&tar.Header{Name: "etc/os-release", Mode: 0o644, Size: int64(len(text))})
	_, _ = io.WriteString(w, text)
	_ = w.Close()
	return b.Bytes()
}
