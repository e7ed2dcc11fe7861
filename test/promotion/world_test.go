// Package promotion_test holds all doors to internal/promote to one contract: called directly,
// by Packer and by imgctl a promotion does the same.
package promotion_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// TestMain keeps the environment of whoever runs the tests out of them.
func TestMain(m *testing.M) {
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "OS_") {
			os.Unsetenv(name)
		}
	}
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// world is a sandbox in which project demo has an image that is shared: member-a has accepted it,
// member-b has not answered yet.
type world struct {
	*sandbox.Cloud
	t      *testing.T
	clouds map[string]*glance.Client
	labels map[string]string // what ids are called in a state
}

const name = "web-base"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cloud: sandboxtest.Start(t, sandbox.Options{}), t: t, clouds: map[string]*glance.Client{}, labels: map[string]string{}}
	for _, user := range []string{"demo", "member-a", "member-b", "other", "admin"} {
		c := w.connect(user)
		w.labels[c.Project().ID] = user
		sc, err := c.Image()
		if err != nil {
			t.Fatal(err)
		}
		w.clouds[user] = glance.New(sc)
	}
	old := w.image("demo", "old", name, map[string]any{"os_distro": "debian"})
	w.share(old)
	w.image("demo", "fresh", name+" build", nil)
	w.image("demo", "next", name+" build 2", nil)
	w.image("demo", "bystander", "my "+name, nil)
	w.image("other", "theirs", name, nil)
	return w
}

func (w *world) connect(user string) *cloud.Cloud {
	w.t.Helper()
	return cloudtest.Connect(w.t, w.CloudsYAML(), user)
}

func (w *world) must(errs ...error) {
	w.t.Helper()
	for _, err := range errs {
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// image makes an active image, which is called label in states.
func (w *world) image(user, label, name string, attributes map[string]any) string {
	w.t.Helper()
	all := map[string]any{"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private", "nonce": label}
	maps.Copy(all, attributes)
	img, err := w.clouds[user].Create(w.t.Context(), all, "nonce", label)
	w.must(err)
	w.must(w.clouds[user].Upload(w.t.Context(), img.ID, strings.NewReader(label)))
	w.labels[img.ID] = label
	return img.ID
}

func (w *world) share(id string) {
	w.t.Helper()
	ctx := w.t.Context()
	_, err := w.clouds["demo"].Update(ctx, id, glance.Patch{}.Visibility(glance.Shared))
	a, b := w.ProjectID("member-a"), w.ProjectID("member-b")
	w.must(err, w.clouds["demo"].AddMember(ctx, id, a), w.clouds["demo"].AddMember(ctx, id, b),
		w.clouds["member-a"].SetMemberStatus(ctx, id, a, glance.Accepted))
}

// id is the image's that is called label.
func (w *world) id(label string) string {
	for id, l := range w.labels {
		if l == label {
			return id
		}
	}
	w.t.Fatalf("nothing is called %q", label)
	return ""
}

var (
	stamps = regexp.MustCompile(`\d{4}-\d\d-\d\d(T[\d:]+Z)?`)
	runs   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
)

// state is all images that there are, with everything that a promotion can change. Ids, times and
// runs are replaced, so that states of several worlds can be compared.
func (w *world) state() []string {
	w.t.Helper()
	ctx := context.WithoutCancel(w.t.Context())
	images, err := w.clouds["admin"].Images(ctx, glance.Query{Visibility: "all", BothHidden: true})
	w.must(err)
	var lines []string
	for _, img := range images {
		members := map[string]string{}
		if img.Visibility == glance.Shared {
			list, err := w.clouds["admin"].Members(ctx, img.ID)
			w.must(err)
			for _, m := range list {
				members[w.labels[m.ProjectID]] = m.Status
			}
		}
		text, err := json.Marshal([]any{img.ID, img.Owner, img.Name, img.Status, img.Visibility, img.Hidden, members, img.Properties})
		w.must(err)
		line := string(text)
		for id, label := range w.labels {
			line = strings.ReplaceAll(line, id, label)
			line = strings.ReplaceAll(line, strings.SplitN(id, "-", 2)[0], label)
		}
		lines = append(lines, runs.ReplaceAllString(stamps.ReplaceAllString(line, "TIME"), "RUN"))
	}
	slices.Sort(lines)
	return lines
}

// is checks one image: "label: name visibility status [hidden] member=status...".
func (w *world) is(want string) {
	w.t.Helper()
	label, _, _ := strings.Cut(want, ": ")
	ctx := context.WithoutCancel(w.t.Context())
	img, err := w.clouds["admin"].Image(ctx, w.id(label))
	if err != nil {
		if want != label+": gone" {
			w.t.Errorf("%v, want %s", err, want)
		}
		return
	}
	got := fmt.Sprintf("%s: %s %s %s", label, img.Name, img.Visibility, img.Status)
	if img.Hidden {
		got += " hidden"
	}
	if img.Visibility == glance.Shared {
		members, err := w.clouds["admin"].Members(ctx, img.ID)
		w.must(err)
		var texts []string
		for _, m := range members {
			texts = append(texts, w.labels[m.ProjectID]+"="+m.Status)
		}
		slices.Sort(texts)
		got += strings.Join(append([]string{""}, texts...), " ")
	}
	got = stamps.ReplaceAllString(strings.ReplaceAll(got, strings.SplitN(img.ID, "-", 2)[0], "ID"), "DAY")
	if got != want {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}
