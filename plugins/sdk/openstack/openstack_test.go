package openstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/config"
	"github.com/gophercloud/gophercloud/v2/openstack/config/clouds"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"golang.org/x/sync/errgroup"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/handshake"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/openstack"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/plugintest/conformance"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// TestMain makes the test's binary the plugin that the tests run.
func TestMain(m *testing.M) {
	if os.Getenv(handshake.CookieKey) != "" {
		sdk.Main(sdk.Plugin{Name: "stack", Version: "1.0.0", Commands: []sdk.Command{
			{
				Path: "stack images", Kind: sdk.List, Short: "List images", Needs: []sdk.Need{sdk.NeedsCloud},
				Columns: sdk.Columns{{Title: "Name"}}, Run: list,
			},
			{
				Path: "stack services", Kind: sdk.List, Short: "Ask each service", Needs: []sdk.Need{sdk.NeedsCloud},
				Columns: sdk.Columns{{Title: "Service"}}, Run: services,
			},
			{
				Path: "stack find", Kind: sdk.List, Short: "Find an image", Needs: []sdk.Need{sdk.NeedsCloud},
				Args:    []sdk.Arg{sdk.One("IMAGE", "image, by id or exact name").AllowEmpty()},
				Columns: sdk.Columns{{Title: "ID"}}, Run: find,
			},
			{
				Path: "stack suggest", Kind: sdk.List, Short: "Suggest images", Needs: []sdk.Need{sdk.NeedsCloud},
				Args:    []sdk.Arg{sdk.One("PREFIX", "what was typed")},
				Columns: sdk.Columns{{Title: "Name"}, {Title: "ID"}}, Run: suggest,
			},
		}})
	}
	os.Exit(m.Run())
}

// list lists the images eight times at once.
func list(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	client, err := openstack.Image(ctx, in.Cloud(""))
	if err != nil {
		return err
	}
	var all errgroup.Group
	for range 8 {
		all.Go(func() error {
			pages, err := images.List(client, images.ListOpts{}).AllPages(ctx)
			if err != nil {
				return openstack.Problem(err)
			}
			found, err := images.ExtractImages(pages)
			for _, i := range found {
				out.Row(i.Name)
			}
			return err
		})
	}
	return all.Wait()
}

func services(ctx context.Context, in *sdk.Input, out *sdk.Output) error {
	for name, service := range map[string]func(context.Context, *sdk.Cloud) (string, error){
		"compute": func(ctx context.Context, c *sdk.Cloud) (string, error) {
			client, err := openstack.Compute(ctx, c)
			return client.ServiceURL("servers"), err
		},
		"network": func(ctx context.Context, c *sdk.Cloud) (string, error) {
			client, err := openstack.Network(ctx, c)
			return client.ServiceURL("networks"), err
		},
		"volume": func(ctx context.Context, c *sdk.Cloud) (string, error) {
			client, err := openstack.BlockStorage(ctx, c)
			return client.ServiceURL("volumes"), err
		},
		"identity": func(ctx context.Context, c *sdk.Cloud) (string, error) {
			client, err := openstack.Identity(ctx, c)
			return client.ServiceURL("auth", "projects"), err
		},
	} {
		url, err := service(ctx, in.Cloud(""))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		provider, err := openstack.Provider(ctx, in.Cloud(""))
		if err != nil {
			return err
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Header.Set("X-Auth-Token", provider.Token())
		response, err := provider.HTTPClient.Do(request)
		if err != nil {
			return err
		}
		_ = response.Body.Close()
		out.Row(fmt.Sprintf("%s %d", name, response.StatusCode))
	}
	return nil
}

// host answers with access to the sandbox, a new token each time.
func host(t *testing.T, s *sandbox.Cloud) conformance.Host {
	t.Helper()
	auth, _, tls, err := clouds.Parse(clouds.WithCloudName("demo"), clouds.WithLocations(s.CloudsYAML()))
	if err != nil {
		t.Fatal(err)
	}
	return conformance.Host{Cloud: func(*pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		p, err := config.NewProviderClient(t.Context(), auth, config.WithTLSConfig(tls))
		if err != nil {
			return nil, err
		}
		catalog, err := p.GetAuthResult().(tokens.CreateResult).ExtractServiceCatalog()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(catalog.Entries)
		return &pluginv1.CloudAccess{
			Name: "demo", AuthUrl: p.IdentityEndpoint, Token: p.Token(), Catalog: string(text), Region: "RegionOne", Interface: "public",
			Project: &pluginv1.Project{Id: s.ProjectID("demo"), Name: "demo"},
		}, err
	}}
}

func run(t *testing.T, h conformance.Host, words string, args ...string) *conformance.Recording {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := plugintest.Start(t, filepath.Clean(path)).Run(t.Context(), &pluginv1.Start{Path: strings.Fields(words), Args: args}, h)
	if err != nil {
		t.Fatal(err)
	}
	return c.Wait()
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	if _, err := s.AddImage(sandbox.Image{Project: "demo", Name: "web"}); err != nil {
		t.Fatal(err)
	}
	var first atomic.Value
	s.Faults().Add(sandbox.Rule{
		Path: "/image/v2/images", Fault: sandbox.Status(http.StatusUnauthorized),
		Match: func(r *http.Request) bool { return r.Header.Get("X-Auth-Token") == first.Load() },
	})
	h := host(t, s)
	access := h.Cloud
	h.Cloud = func(c *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		a, err := access(c)
		first.CompareAndSwap(nil, a.GetToken())
		return a, err
	}
	r := run(t, h, "stack images")
	if len(r.Rows()) != 8 || r.Kind() != 0 {
		t.Errorf("it gave %d rows and ended with %v", len(r.Rows()), r.Done())
	}
	var refreshed []bool
	for _, c := range r.CloudRequests() {
		refreshed = append(refreshed, c.GetRefresh())
	}
	if len(refreshed) != 2 || refreshed[0] || !refreshed[1] {
		t.Errorf("the requests for the cloud have refresh %v, want one without and one with", refreshed)
	}
}

func TestServicesAreFound(t *testing.T) {
	t.Parallel()
	r := run(t, host(t, sandboxtest.Start(t, sandbox.Options{})), "stack services")
	if len(r.Rows()) != 4 || r.Kind() != 0 {
		t.Fatalf("it gave %v and ended with %v", r.Rows(), r.Done())
	}
	for _, row := range r.Rows() {
		if name := row[0].(string); !strings.HasSuffix(name, " 200") {
			t.Errorf("a service answered %s", name)
		}
	}
}

// What a service turns away in passing is asked for again; a POST that it may have carried out isn't.
func TestPassingFailuresAreRepeated(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	if _, err := s.AddImage(sandbox.Image{Project: "demo", Name: "web"}); err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		s.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Fault: sandbox.Status(status), Count: 1})
	}
	if r := run(t, host(t, s), "stack images"); len(r.Rows()) != 8 || r.Kind() != 0 {
		t.Errorf("it gave %d rows and ended with %v", len(r.Rows()), r.Done())
	}
}

func TestAServicesErrorSaysWhatItSaid(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	s.Faults().Add(sandbox.Rule{Path: "/image/v2/images", Fault: sandbox.Status(http.StatusServiceUnavailable)})
	p := run(t, host(t, s), "stack images").Done().GetProblem()
	if p.GetKind() != sdk.Unavailable || !p.GetRetryable() || len(p.GetRequestIds()) != 1 ||
		!strings.HasPrefix(p.GetRequestIds()[0], "req-") {
		t.Errorf("the problem is %v", p)
	}
}

// A plugin's token goes where imgctl's own would.
func TestATokenStaysAtTheCloud(t *testing.T) {
	t.Parallel()
	s := sandboxtest.Start(t, sandbox.Options{})
	h := host(t, s)
	access := h.Cloud
	h.Cloud = func(c *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		a, err := access(c)
		a.AuthUrl = "https://keystone.example/v3"
		return a, err
	}
	s.ResetRequests()
	p := run(t, h, "stack images").Done().GetProblem()
	if p.GetKind() != sdk.Forbidden || !strings.Contains(p.GetMessage(), s.URL()) ||
		!strings.Contains(p.GetHint(), "allow_http_endpoints") {
		t.Errorf("without TLS: %v", p)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other server got %s with token %q", r.URL, r.Header.Get("X-Auth-Token"))
	}))
	t.Cleanup(elsewhere.Close)
	leading := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	t.Cleanup(leading.Close)
	h.Cloud = func(c *pluginv1.CloudRequest) (*pluginv1.CloudAccess, error) {
		a, err := access(c)
		a.EndpointOverrides = map[string]string{"image": leading.URL}
		return a, err
	}
	if p := run(t, h, "stack images").Done().GetProblem(); p.GetKind() != sdk.Forbidden ||
		!strings.Contains(p.GetMessage(), elsewhere.URL) {
		t.Errorf("a redirect: %v", p)
	}
}
