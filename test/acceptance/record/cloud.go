package record

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Cloud is where the catalogue is asked.
type Cloud struct {
	client   *http.Client
	accounts map[string]account
}

// account is a person of the catalogue with a token for its project.
type account struct {
	user, userID, project, projectID, domainID, password, token string
	endpoints                                                   map[string]string // by type of service
}

// Open logs the accounts in. clouds names, for each person of the catalogue, an entry of clouds.yaml.
func Open(ctx context.Context, cloudsYAML string, clouds map[string]string) (*Cloud, error) {
	text, err := os.ReadFile(cloudsYAML)
	if err != nil {
		return nil, err
	}
	var file struct {
		Clouds map[string]struct {
			Auth login `yaml:"auth"`
		} `yaml:"clouds"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("reading %q: %w", cloudsYAML, err)
	}
	c := &Cloud{client: &http.Client{}, accounts: map[string]account{}}
	for person, name := range clouds {
		entry, ok := file.Clouds[name]
		if !ok {
			return nil, fmt.Errorf("%q has no cloud %q", cloudsYAML, name)
		}
		if c.accounts[person], err = c.login(ctx, entry.Auth); err != nil {
			return nil, fmt.Errorf("logging in to cloud %q: %w", name, err)
		}
	}
	return c, nil
}

type login struct {
	AuthURL           string `yaml:"auth_url"`
	Username          string `yaml:"username"`
	Password          string `yaml:"password"`
	UserDomainName    string `yaml:"user_domain_name"`
	ProjectName       string `yaml:"project_name"`
	ProjectDomainName string `yaml:"project_domain_name"`
}

// request is the body of a request for a token.
func (l login) request() string {
	return fmt.Sprintf(`{"auth": {"identity": {"methods": ["password"], "password": {"user":
		{"name": %q, "domain": {"name": %q}, "password": %q}}},
		"scope": {"project": {"name": %q, "domain": {"name": %q}}}}}`,
		l.Username, l.UserDomainName, l.Password, l.ProjectName, l.ProjectDomainName)
}

func (c *Cloud) login(ctx context.Context, l login) (account, error) {
	url := strings.TrimSuffix(l.AuthURL, "/v3") + "/v3/auth/tokens"
	response, body, err := c.send(ctx, http.MethodPost, url, http.Header{"Content-Type": {"application/json"}}, l.request())
	if err != nil {
		return account{}, err
	}
	if response.StatusCode != http.StatusCreated {
		return account{}, fmt.Errorf("%s: %s", response.Status, body)
	}
	var answer struct {
		Token struct {
			User    struct{ ID, Name string }
			Project struct {
				ID, Name string
				Domain   struct{ ID string }
			}
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return account{}, err
	}
	t := answer.Token
	a := account{
		user: t.User.Name, userID: t.User.ID, project: t.Project.Name, projectID: t.Project.ID,
		domainID: t.Project.Domain.ID, password: l.Password, token: response.Header.Get("X-Subject-Token"), endpoints: map[string]string{},
	}
	for _, s := range t.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				a.endpoints[s.Type] = strings.TrimSuffix(strings.TrimSuffix(e.URL, "/"), "/v3")
			}
		}
	}
	return a, nil
}

func (c *Cloud) send(ctx context.Context, method, url string, header http.Header, body string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, nil, err
	}
	if body == "" {
		request.Body, request.ContentLength = nil, 0
	}
	maps.Copy(request.Header, header)
	response, err := c.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	return response, answer, err
}
