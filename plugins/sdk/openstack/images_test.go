package openstack_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/openstack"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func find(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	access, err := in.Cloud("").Access(ctx)
	if err != nil {
		return err
	}
	client, err := openstack.Image(ctx, in.Cloud(""))
	if err != nil {
		return err
	}
	found, err := openstack.FindImage(ctx, client, access.Project.ID, in.Arg("IMAGE"))
	if err == nil {
		out.Row(found.ID)
	}
	return err
}

func suggest(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	found, err := openstack.CompleteImages(ctx, in, sdk.Completing{Arg: "IMAGE", Prefix: in.Arg("PREFIX")})
	for _, s := range found {
		out.Row(s.Value, s.Help)
	}
	return err
}

func TestFindImage(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	add := func(i sandbox.Image) string {
		t.Helper()
		id, err := s.AddImage(i)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	web := add(sandbox.Image{Project: "demo", Name: "web"})
	add(sandbox.Image{Project: "demo", Name: "WEB"})                                    // the service's database thinks that they are the same
	add(sandbox.Image{Project: "other", Name: "web", Visibility: sandbox.Public})       // of others
	hidden := add(sandbox.Image{Project: "demo", Name: "archive: web,1", Hidden: true}) // has what filters have a meaning for
	twice := []string{add(sandbox.Image{Project: "demo", Name: "twice"}), add(sandbox.Image{Project: "demo", Name: "twice", Hidden: true})}
	for _, c := range []struct {
		image, want string
		kind        sdk.ProblemKind
		says        []string
	}{
		{"web", web, 0, nil},
		{web, web, 0, nil},
		{"archive: web,1", hidden, 0, nil},
		{"twice", "", sdk.Ambiguous, append([]string{`2 images "twice"`, "created"}, twice...)},
		{"we", "", sdk.NotFound, []string{`no image "we"`}},
		{"11111111-1111-4111-8111-111111111111", "", sdk.NotFound, []string{"no image with id"}},
		{"", "", sdk.Usage, []string{"empty"}},
	} {
		r := run(t, host(t, s), "stack find", c.image)
		problem := r.Done().GetProblem()
		if c.want != "" && (len(r.Rows()) != 1 || r.Rows()[0][0] != c.want) || problem.GetKind() != c.kind {
			t.Errorf("%q: it gave %v and ended with %v", c.image, r.Rows(), problem)
		}
		for _, want := range c.says {
			if !strings.Contains(problem.GetMessage(), want) {
				t.Errorf("%q: it says %q, without %q", c.image, problem.GetMessage(), want)
			}
		}
	}
}

// Names are suggested once each, from all pages.
func TestSuggestedImages(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	var first string
	for n := range 1200 {
		id, err := s.AddImage(sandbox.Image{Project: "demo", Name: fmt.Sprintf("web-%04d", n)})
		if err != nil {
			t.Fatal(err)
		}
		if n == 7 {
			first = id
		}
	}
	for _, name := range []string{"web-0008", "mail"} {
		if _, err := s.AddImage(sandbox.Image{Project: "demo", Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(t, host(t, s), "stack suggest", "web-"); len(r.Rows()) != 1200 {
		t.Errorf("it suggests %d names of 1200", len(r.Rows()))
	}
	r := run(t, host(t, s), "stack suggest", "web-0007")
	if want := []any{"web-0007", first}; len(r.Rows()) != 1 || !reflect.DeepEqual(r.Rows()[0], want) {
		t.Errorf("it suggests %v, want %v", r.Rows(), want)
	}
}

// Glance and proxies in front of it answer in HTML.
func TestErrorsInHTML(t *testing.T) {
	t.Parallel()
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, "<html><head><title>409 Conflict</title><style>p {color: red}</style></head><body><h1>Conflict</h1>\n",
			"Image &quot;web&quot; is<br /><br />in use.</body></html>")
	}))
	t.Cleanup(proxy.Close)
	h := host(t, sandboxtest.Start(t, sandbox.Options{}))
	access := h.Cloud
	h.Cloud = func(c *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		a, err := access(c)
		a.EndpointOverrides = map[string]string{"image": proxy.URL}
		return a, err
	}
	if p := run(t, h, "stack images").Done().GetProblem(); p.GetKind() != sdk.Conflict ||
		!strings.HasSuffix(p.GetMessage(), `: 409 Image "web" is in use.`) {
		t.Errorf("the problem is %v", p)
	}
}
