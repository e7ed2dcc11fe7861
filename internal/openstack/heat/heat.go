// Package heat is the client of the Orchestration service.
//
// API: https://docs.openstack.org/api-ref/orchestration/v1/
package heat

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/listing"
)

// pageSize is the most that the service gives in one page by default.
const pageSize = "1000"

// Stack is what a list tells of a stack.
type Stack struct {
	ID        string `json:"id"`
	Name      string `json:"stack_name"`
	Status    string `json:"stack_status"`
	ProjectID string `json:"project"` // "" where the list is the project's own
}

// EachStack hands over the stacks page by page: those of all projects, which administrators may list, or the
// project's. restart is called whenever it starts over.
func EachStack(ctx context.Context, sc *gophercloud.ServiceClient, allProjects bool, restart func(), take func([]Stack) error) error {
	query := url.Values{"limit": {pageSize}}
	if allProjects {
		query.Set("global_tenant", "true")
	}
	err := listing.Each(ctx, sc, listing.List{Path: "stacks", Queries: []url.Values{query}, Key: "stacks", Restart: restart}, take)
	if err != nil {
		return fmt.Errorf("listing stacks: %w", err)
	}
	return nil
}

// Parameters are those that a stack of a project was created or last updated with; the list doesn't tell them.
func Parameters(ctx context.Context, sc *gophercloud.ServiceClient, own string, s Stack) (map[string]any, error) {
	var answer struct {
		Stack struct {
			Parameters map[string]any `json:"parameters"`
		} `json:"stack"`
	}
	address := sc.ServiceURL("stacks", url.PathEscape(s.Name), url.PathEscape(s.ID))
	if s.ProjectID != "" && s.ProjectID != own {
		// A stack is below its project's address, which the catalog gives for the user's own project.
		address = strings.Replace(address, "/"+own+"/", "/"+url.PathEscape(s.ProjectID)+"/", 1)
	}
	//nolint:bodyclose // gophercloud closes what it decodes
	_, err := sc.Get(ctx, address, &answer, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK}})
	if err != nil {
		return nil, fmt.Errorf("reading stack %q: %w", s.Name, cloud.Classify(err))
	}
	return answer.Stack.Parameters, nil
}
