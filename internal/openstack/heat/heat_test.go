package heat_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/heat"
)

func list(ctx context.Context, sc *gophercloud.ServiceClient, all bool) (found []heat.Stack, err error) {
	err = heat.EachStack(ctx, sc, all, func() { found = nil }, func(page []heat.Stack) error {
		found = append(found, page...)
		return nil
	})
	return found, err
}

// Heat links to a next page wherever a page has as many stacks as were asked for, so the last one can be empty. Only
// a list of all projects has the project, and only one stack its parameters.
func TestStacks(t *testing.T) {
	t.Parallel()
	const (
		one = `{"id": "16934ca3", "links": [{"href": "http://heat.example/v1/eb1c63/stacks/one/16934ca3", "rel": "self"}], ` +
			`"stack_name": "one", "description": "No description", "stack_status": "CREATE_COMPLETE", "stack_status_reason": "", ` +
			`"creation_time": "2015-03-03T14:08:05Z", "updated_time": null, "deletion_time": null, "stack_owner": null, "parent": null, ` +
			`"stack_user_project_id": "cb4f65", "tags": null`
		next = `"links": [{"rel": "next", "href": "http://heat.example/v1/eb1c63/stacks?global_tenant=true&limit=1000&marker=16934ca3"}]`
	)
	sc := cloudtest.Answers(t, "orchestration", "/v1/eb1c63/", map[string]string{
		"/v1/eb1c63/stacks?global_tenant=true&limit=1000":                 `{"stacks": [` + one + `, "project": "5f0c24"}], ` + next + `}`,
		"/v1/eb1c63/stacks?global_tenant=true&limit=1000&marker=16934ca3": `{"stacks": []}`,
		"/v1/eb1c63/stacks?limit=1000":                                    `{"stacks": [` + one + `}]}`,
		"/v1/5f0c24/stacks/one/16934ca3": `{"stack": {"id": "16934ca3", "stack_name": "one", "parameters": {"OS::project_id": "5f0c24", ` +
			`"OS::stack_id": "16934ca3", "OS::stack_name": "one", "image": "F18-x86_64-cfntools", "size": "1", "hosts": ["a"]}, ` +
			`"outputs": [], "capabilities": [], "timeout_mins": null}}`,
	})
	want := heat.Stack{ID: "16934ca3", Name: "one", Status: "CREATE_COMPLETE", ProjectID: "5f0c24"}
	all, err := list(t.Context(), sc, true)
	if diff := cmp.Diff([]heat.Stack{want}, all); diff != "" || err != nil {
		t.Error(err, diff)
	}
	parameters, err := heat.Parameters(t.Context(), sc, "eb1c63", want)
	if err != nil || parameters["image"] != "F18-x86_64-cfntools" || len(parameters) != 6 {
		t.Error(parameters, err)
	}
	want.ProjectID = ""
	own, err := list(t.Context(), sc, false)
	if diff := cmp.Diff([]heat.Stack{want}, own); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := heat.Parameters(t.Context(), sc, "eb1c63", want); !fault.Is(err, fault.NotFound) {
		t.Errorf("a stack that isn't in the project: %v", err)
	}
}
