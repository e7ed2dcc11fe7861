// Package openstack gives a plugin gophercloud clients for the user's clouds. imgctl authenticates
// and hands over a token; a token that is refused is renewed by asking imgctl again, so that a
// command may run for days.
package openstack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound/repeat"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// Provider is gophercloud's client for the cloud, for gophercloud's own packages. Region, interface
// and endpoint overrides of clouds.yaml count unless the EndpointOpts say otherwise.
func Provider(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ProviderClient, error) {
	access, err := cloud.Access(ctx)
	if err != nil {
		return nil, err
	}
	var catalog tokens.ServiceCatalog
	if err := json.Unmarshal(access.Catalog, &catalog.Entries); err != nil {
		return nil, fmt.Errorf("reading the catalog of cloud %q: %w", cloud.Name(), err)
	}
	config, err := trust(access)
	if err != nil {
		return nil, fmt.Errorf("preparing to talk to cloud %q: %w", cloud.Name(), err)
	}
	transport := outbound.NewCloud(config, "")
	allow(transport, access, &catalog)
	client, err := openstack.NewClient(access.AuthURL)
	if err != nil {
		return nil, fmt.Errorf("preparing to talk to cloud %q: %w", cloud.Name(), err)
	}
	client.HTTPClient = http.Client{Transport: again{transport}}
	client.UserAgent.Prepend("imgctl-plugin")
	client.UseTokenLock()
	client.SetToken(access.Token.Reveal())
	client.ReauthFunc = renewal(client, cloud, access)
	client.EndpointLocator = func(opts gophercloud.EndpointOpts) (string, error) {
		for _, service := range opts.Types() {
			if url := access.EndpointOverrides[service]; url != "" {
				return gophercloud.NormalizeURL(url), nil
			}
		}
		if opts.Region == "" {
			opts.Region = access.Region
		}
		address, err := openstack.V3Endpoint(ctx, client, &catalog, opts)
		if refused, ok := errors.AsType[*outbound.Refused](err); ok {
			address = refused.To // which was asked for its versions
		}
		if unsafe(access, address) {
			return "", sdk.Fail(sdk.Forbidden, "give its https address as an endpoint override in clouds.yaml, or set "+
				"allow_http_endpoints: true there",
				"the %s service of cloud %q is at %s, where anybody on the way could read the token", opts.Type, cloud.Name(), address)
		}
		return address, err
	}
	return client, nil
}

// again repeats requests that failed in passing: all that the service turned away with 429, and after 500, 502, 503, 504 or a
// broken connection those that read, put or delete.
type again struct{ *outbound.Cloud }

// RoundTrip sends the request.
func (a again) RoundTrip(req *http.Request) (*http.Response, error) {
	return repeat.Do(req, a.Cloud.RoundTrip)
}

// renewal replaces the client's token by the one that the host got instead of it.
func renewal(client *gophercloud.ProviderClient, cloud *sdk.Cloud, access *sdk.Access) func(context.Context) error {
	var mu sync.Mutex
	return func(ctx context.Context) error {
		mu.Lock()
		defer mu.Unlock()
		renewed, err := cloud.Renew(ctx, access)
		if err != nil {
			return err
		}
		access = renewed
		client.SetToken(renewed.Token.Reveal())
		return nil
	}
}

func trust(access *sdk.Access) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: access.Insecure} //nolint:gosec // the user's choice
	if len(access.CACertificates) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(access.CACertificates) {
			return nil, sdk.Fail(sdk.Usage, "check cacert in clouds.yaml", "there is no certificate in the cloud's CA file")
		}
	}
	return config, nil
}

// allow lets the token go to the cloud's endpoints, and nowhere else.
func allow(t *outbound.Cloud, access *sdk.Access, catalog *tokens.ServiceCatalog) {
	t.Allow(access.AuthURL)
	for _, address := range access.EndpointOverrides {
		t.Allow(address)
	}
	for _, entry := range catalog.Entries {
		for _, e := range entry.Endpoints {
			if !unsafe(access, e.URL) {
				t.Allow(e.URL)
			}
		}
	}
}

// unsafe reports whether an address of the catalog has no TLS although Keystone has it. One that the
// user's clouds.yaml allows is an override.
func unsafe(access *sdk.Access, address string) bool {
	return strings.HasPrefix(access.AuthURL, "https:") && strings.HasPrefix(address, "http:")
}

// Identity is the client for Keystone.
func Identity(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewIdentityV3)
}

// Image is the client for Glance.
func Image(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewImageV2)
}

// Compute is the client for Nova.
func Compute(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewComputeV2)
}

// Network is the client for Neutron.
func Network(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewNetworkV2)
}

// BlockStorage is the client for Cinder.
func BlockStorage(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewBlockStorageV3)
}

// BareMetal is the client for Ironic.
func BareMetal(ctx context.Context, cloud *sdk.Cloud) (*gophercloud.ServiceClient, error) {
	return service(ctx, cloud, openstack.NewBareMetalV1)
}

type constructor func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)

func service(ctx context.Context, cloud *sdk.Cloud, construct constructor) (*gophercloud.ServiceClient, error) {
	access, err := cloud.Access(ctx)
	if err != nil {
		return nil, err
	}
	provider, err := Provider(ctx, cloud)
	if err != nil {
		return nil, err
	}
	client, err := construct(provider, gophercloud.EndpointOpts{
		Region:       access.Region,
		Availability: gophercloud.Availability(access.Interface),
	})
	if err != nil {
		return nil, fmt.Errorf("finding the service in the catalog of cloud %q: %w", cloud.Name(), Problem(err))
	}
	if version := access.APIVersions[client.Type]; strings.Contains(version, ".") { // 2 is an API, 2.79 a microversion
		client.Microversion = version
	}
	return client, nil
}
