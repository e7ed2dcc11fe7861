package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// maxNames is how many names a list that comes in pages may have.
const maxNames = 1_000_000

// Tags are all tags of the repository, in the registry's order.
func (c *Client) Tags(ctx context.Context, host, repository string) ([]string, error) {
	return c.pages(ctx, host, tagsPath(repository), scope{repository: repository, actions: "pull"}, "tags of "+host+"/"+repository, tags)
}

// SomeTags are as many tags of the repository as the registry gives at once, and whether these are all.
func (c *Client) SomeTags(ctx context.Context, host, repository string) (some []string, all bool, err error) {
	some, next, err := c.page(ctx, host, tagsPath(repository)+"?n=1000", scope{repository: repository, actions: "pull"},
		"tags of "+host+"/"+repository, tags)
	return some, next == "" && err == nil, err
}

func tagsPath(repository string) string { return "/v2/" + repository + "/tags/list" }

func tags(text []byte) ([]string, error) {
	var page struct{ Tags []string }
	err := json.Unmarshal(text, &page)
	return page.Tags, err
}

// Catalog are all repositories of the registry.
func (c *Client) Catalog(ctx context.Context, host string) ([]string, error) {
	return c.pages(ctx, host, "/v2/_catalog", scope{actions: catalogScope}, "repositories of "+host, func(text []byte) ([]string, error) {
		var page struct{ Repositories []string }
		err := json.Unmarshal(text, &page)
		return page.Repositories, err
	})
}

// pages follows a list's links until there are no more.
func (c *Client) pages(
	ctx context.Context, host, path string, s scope, what string, parse func([]byte) ([]string, error),
) (all []string, err error) {
	for path != "" && err == nil {
		var names []string
		names, path, err = c.page(ctx, host, path, s, what, parse)
		if all = append(all, names...); len(all) > maxNames {
			return nil, fault.New(fault.Internal, "", "%s: more than %d", what, maxNames)
		}
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// page is one page of a list, and the path of the next one.
func (c *Client) page(
	ctx context.Context, host, path string, s scope, what string, parse func([]byte) ([]string, error),
) (names []string, next string, err error) {
	r := request{method: http.MethodGet, path: path, scope: s, what: what, limit: maxJSON}
	err = c.read(ctx, host, r, func(resp *http.Response) error {
		text, err := whole(resp)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if names, err = parse(text); err != nil {
			return fmt.Errorf("%s: registry %s answered with %q that is no list: %w", what, host, mediaType(resp), err)
		}
		u, err := c.lists.Next(resp)
		if err != nil {
			return fault.Wrap(fault.Internal, "", fmt.Errorf("%s: %w", what, err))
		}
		if u != nil {
			next = u.RequestURI()
		}
		return nil
	})
	return names, next, err
}

// Config is what an image's configuration says.
type Config struct {
	Architecture, OS, Created, DockerVersion string
	Labels                                   map[string]string
}

// Config fetches the image's configuration; of an index, that of its first image for linux/amd64,
// else of its first. It comes with the manifest that it belongs to.
func (c *Client) Config(ctx context.Context, i Image) (Config, *Manifest, error) {
	m, err := c.Manifest(ctx, i)
	if err != nil {
		return Config{}, nil, err
	}
	if m.IsIndex() {
		child, err := m.Preferred()
		if err != nil {
			return Config{}, nil, fmt.Errorf("manifest of %s: %w", i, err)
		}
		if m, err = c.Manifest(ctx, i.With(child.Digest)); err != nil {
			return Config{}, nil, err
		}
	}
	var config Config
	what := "configuration of " + i.String()
	err = c.read(ctx, i.Host, request{
		method: http.MethodGet, path: blobPath(i.Repository, m.Config.Digest), scope: pull(i), what: what, limit: maxConfig,
	}, func(resp *http.Response) error {
		text, err := whole(resp)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := checkDigest(m.Config.Digest, text); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if config, err = ParseConfig(text); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	})
	return config, m, err
}

// ParseConfig reads an image's configuration.
func ParseConfig(text []byte) (Config, error) {
	var config struct {
		Architecture  string `json:"architecture"`
		OS            string `json:"os"`
		Created       string `json:"created"`
		DockerVersion string `json:"docker_version"`
		Config        struct {
			Labels map[string]string `json:"Labels"`
		} `json:"config"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		return Config{}, fmt.Errorf("not JSON: %w", err)
	}
	return Config{config.Architecture, config.OS, config.Created, config.DockerVersion, config.Config.Labels}, nil
}

// Preferred is an index's image for linux/amd64, else its first.
func (m *Manifest) Preferred() (Descriptor, error) {
	for _, d := range m.Manifests {
		if d.Platform != nil && d.Platform.OS == "linux" && d.Platform.Architecture == "amd64" {
			return d, nil
		}
	}
	if len(m.Manifests) == 0 {
		return Descriptor{}, fault.New(fault.NotFound, "", "the index lists no image")
	}
	return m.Manifests[0], nil
}

func checkDigest(want string, text []byte) error {
	algorithm, _, _ := strings.Cut(want, ":")
	got, err := digestOf(algorithm, text)
	if err != nil {
		return err
	}
	if got != want {
		return fault.New(fault.Internal, "", "corrupt: its digest is %s", got)
	}
	return nil
}
