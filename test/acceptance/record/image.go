package record

import "net/http"

const patchType = "application/openstack-images-v2.1-json-patch"

// newImage makes an image of the owner in the state queued, and keeps its id under the name.
func newImage(name, attributes string) []Step {
	if attributes != "" {
		attributes = ", " + attributes
	}
	return []Step{{
		Name: "prepare " + name, Unseen: true, Request: "POST /v2/images",
		Body: `{"name": "$run-` + name + `", "disk_format": "raw", "container_format": "bare"` + attributes + `}`,
		Save: map[string]string{name: "id"},
	}}
}

// activeImage makes an image with six bytes of data.
func activeImage(name, attributes string) []Step {
	return append(newImage(name, attributes), Step{
		Name: "prepare data of " + name, Unseen: true, Request: "PUT /v2/images/$" + name + "/file", Body: "sixsix",
		Type: "application/octet-stream",
	})
}

// patch is a PATCH with these operations.
func patch(name, as, id, operations string) Step {
	return Step{Name: name, As: as, Request: "PATCH /v2/images/$" + id, Body: operations, Type: patchType}
}

func deleteImages(names ...string) []string {
	var requests []string
	for _, name := range names {
		requests = append(requests, "DELETE /v2/images/$"+name)
	}
	return requests
}

func image() []Scenario {
	return []Scenario{
		{Name: "create", Service: "image", Cleanup: deleteImages("plain", "uuid1", "uuid2", "community", "nameless"), Steps: []Step{
			{Name: "with a name", Request: "POST /v2/images", Body: `{"name": "$run-a"}`, Save: map[string]string{"plain": "id"}},
			{
				Name: "with a chosen id and everything a member may give", Request: "POST /v2/images",
				Body: `{"id": "$uuid1", "name": "$run-b", "visibility": "private", "os_hidden": true, "protected": false,
					"min_disk": 3, "min_ram": 5, "tags": ["b", "a"], "disk_format": "qcow2", "container_format": "bare", "imgctl_run": "x", "a:b.C": "v"}`,
			},
			{Name: "the same id again", Request: "POST /v2/images", Body: `{"id": "$uuid1", "name": "$run-b"}`},
			{Name: "the same id by another project", As: "member", Request: "POST /v2/images", Body: `{"id": "$uuid1", "name": "$run-b"}`},
			{Name: "delete it", Request: "DELETE /v2/images/$uuid1"},
			{Name: "the same id after it was deleted", Request: "POST /v2/images", Body: `{"id": "$uuid1", "name": "$run-b"}`},
			{Name: "a refused create", Request: "POST /v2/images", Body: `{"id": "$uuid2", "name": "$run-c", "number": 3}`},
			{Name: "does not take the id", Request: "POST /v2/images", Body: `{"id": "$uuid2", "name": "$run-c"}`},
			{Name: "an id that is none", Request: "POST /v2/images", Body: `{"id": "nonsense"}`},
			{
				Name: "community", Request: "POST /v2/images", Body: `{"name": "$run-d", "visibility": "community"}`,
				Save: map[string]string{"community": "id"},
			},
			{Name: "without a name", Request: "POST /v2/images", Body: `{}`, Save: map[string]string{"nameless": "id"}},
			{Name: "public as a member", Request: "POST /v2/images", Body: `{"name": "$run", "visibility": "public"}`},
			{Name: "owned by another project", Request: "POST /v2/images", Body: `{"name": "$run", "owner": "$member_project"}`},
			{Name: "a property that is null", Request: "POST /v2/images", Body: `{"name": "$run", "p": null}`},
			{Name: "with a status", Request: "POST /v2/images", Body: `{"name": "$run", "status": "active"}`},
			{Name: "with locations", Request: "POST /v2/images", Body: `{"name": "$run", "locations": []}`},
			{Name: "a name of four-byte characters", Request: "POST /v2/images", Body: `{"name": "😀"}`},
			{Name: "as a reader", As: "reader", Request: "POST /v2/images", Body: `{"name": "$run"}`},
			{Name: "not JSON", Request: "POST /v2/images", Body: `{bad`},
			{Name: "not said to be JSON", Request: "POST /v2/images", Body: `{}`, Type: "text/plain"},
			{Name: "without a token", As: "nobody", Request: "POST /v2/images", Body: `{}`},
			{Name: "wrong method", Request: "PUT /v2/images", Body: `{}`},
			{Name: "no such path", Request: "GET /v2/nonsense"},
		}},
		{Name: "error bodies", Service: "image", Steps: []Step{
			{Name: "for JSON", Request: "GET /v2/images/$uuid1"},
			{Name: "for anything", Request: "GET /v2/images/$uuid1", Header: http.Header{"Accept": {"*/*"}}},
			{Name: "for text", Request: "GET /v2/images/$uuid1", Header: http.Header{"Accept": {"text/plain"}}},
			{Name: "for HTML", Request: "GET /v2/images/$uuid1", Header: http.Header{"Accept": {"text/html"}}},
			{Name: "for nobody with anything", As: "nobody", Request: "GET /v2/images", Header: http.Header{"Accept": {"*/*"}}},
		}},
		{Name: "delete", Service: "image", Cleanup: deleteImages("image"), Steps: steps(activeImage("image", `"protected": true`), []Step{
			{Name: "a protected image", Request: "DELETE /v2/images/$image"},
			{Name: "a protected image as the admin", As: "admin", Request: "DELETE /v2/images/$image"},
			patch("rename the protected image", "", "image", `[{"op": "replace", "path": "/name", "value": "$run-x"}]`),
			patch("take the protection away", "", "image", `[{"op": "replace", "path": "/protected", "value": false}]`),
			{Name: "as a stranger", As: "stranger", Request: "DELETE /v2/images/$image"},
			{Name: "as a reader", As: "reader", Request: "DELETE /v2/images/$image"},
			{Name: "as the owner", Request: "DELETE /v2/images/$image"},
			{Name: "again", Request: "DELETE /v2/images/$image"},
			{Name: "show after", Request: "GET /v2/images/$image"},
			patch("change after", "", "image", `[]`),
			{Name: "add a member after", Request: "POST /v2/images/$image/members", Body: `{"member": "$member_project"}`},
		})},
		{
			Name: "deactivate", Service: "image", Cleanup: deleteImages("image", "queued"),
			Steps: steps(activeImage("image", ""), newImage("queued", ""), []Step{
				{Name: "as a stranger", As: "stranger", Request: "POST /v2/images/$image/actions/deactivate"},
				{Name: "as the owner", Request: "POST /v2/images/$image/actions/deactivate"},
				{Name: "again", Request: "POST /v2/images/$image/actions/deactivate"},
				patch("rename and hide", "", "image",
					`[{"op": "replace", "path": "/name", "value": "$run-old"}, {"op": "replace", "path": "/os_hidden", "value": true}]`),
				{Name: "add a member", Request: "POST /v2/images/$image/members", Body: `{"member": "$member_project"}`},
				{Name: "show as the member", As: "member", Request: "GET /v2/images/$image"},
				{Name: "as the member", As: "member", Request: "POST /v2/images/$image/actions/deactivate"},
				{Name: "download", Request: "GET /v2/images/$image/file"},
				{Name: "download as the member", As: "member", Request: "GET /v2/images/$image/file"},
				{Name: "download as the admin", As: "admin", Request: "GET /v2/images/$image/file"},
				{Name: "reactivate", Request: "POST /v2/images/$image/actions/reactivate"},
				{Name: "a queued image", Request: "POST /v2/images/$queued/actions/deactivate"},
				{Name: "reactivate a queued image", Request: "POST /v2/images/$queued/actions/reactivate"},
			}),
		},
		{Name: "tags", Service: "image", Cleanup: deleteImages("image"), Steps: steps(newImage("image", ""), []Step{
			{Name: "put", Request: "PUT /v2/images/$image/tags/x"},
			{Name: "put again", Request: "PUT /v2/images/$image/tags/x"},
			{Name: "delete", Request: "DELETE /v2/images/$image/tags/x"},
			{Name: "delete again", Request: "DELETE /v2/images/$image/tags/x"},
			{Name: "put as a stranger", As: "stranger", Request: "PUT /v2/images/$image/tags/x"},
		})},
	}
}
