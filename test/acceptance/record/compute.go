package record

import "strings"

// placesToBoot are what a server needs, of whatever the cloud has.
func placesToBoot() []Step {
	return []Step{
		{
			Name: "find an image", Unseen: true, Service: "image",
			Request: "GET /v2/images?visibility=public&status=active&sort=created_at:asc&limit=1",
			Save:    map[string]string{"image": "images.0.id"},
		},
		{
			Name: "find a flavor", Unseen: true, Service: "compute", Request: "GET /flavors",
			Save: map[string]string{"flavor": "flavors.0.id"},
		},
		{
			Name: "find a network", Unseen: true, Service: "network", Request: "GET /v2.0/networks?shared=true",
			Save: map[string]string{"network": "networks.0.id"},
		},
	}
}

// server is the body of a create, with more attributes if there are any.
func server(more string) string {
	if more != "" {
		more = ", " + more
	}
	return `{"server": {"name": "$run", "imageRef": "$image", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]` + more + `}}`
}

func action(name, as, body string) Step {
	return Step{Name: name, As: as, Request: "POST /servers/$server/action", Body: body}
}

func compute() []Scenario {
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILTENBrKOorE6X+buL6xBRMKFOvD/j3uI7GNGWm/3aun imgctl"
	wait := func(name, until string) Step {
		return Step{Name: name, Request: "GET /servers/$server", Until: until}
	}
	return []Scenario{
		{Name: "keypairs", Service: "compute", Cleanup: []string{"DELETE /os-keypairs/$run", "DELETE /os-keypairs/$run-2"}, Steps: []Step{
			{Name: "import", Request: "POST /os-keypairs", Body: `{"keypair": {"name": "$run", "public_key": "` + key + `"}}`},
			{Name: "import again", Request: "POST /os-keypairs", Body: `{"keypair": {"name": "$run", "public_key": "` + key + `"}}`},
			{
				Name: "import with a type", Version: "2.2", Request: "POST /os-keypairs",
				Body: `{"keypair": {"name": "$run-2", "type": "ssh", "public_key": "` + key + `"}}`,
			},
			{
				Name: "a key that is none", Request: "POST /os-keypairs",
				Body: `{"keypair": {"name": "$run-3", "public_key": "ssh-ed25519 nonsense"}}`,
			},
			{Name: "a bad name", Request: "POST /os-keypairs", Body: `{"keypair": {"name": "a/b", "public_key": "` + key + `"}}`},
			{Name: "no key where it is needed", Version: "2.92", Request: "POST /os-keypairs", Body: `{"keypair": {"name": "$run-3"}}`},
			{Name: "show", Request: "GET /os-keypairs/$run"},
			{Name: "show as another user", As: "member", Request: "GET /os-keypairs/$run"},
			{Name: "show none", Request: "GET /os-keypairs/$run-none"},
			{Name: "delete", Request: "DELETE /os-keypairs/$run"},
			{Name: "delete, newer", Version: "2.10", Request: "DELETE /os-keypairs/$run-2"},
			{Name: "delete none", Request: "DELETE /os-keypairs/$run"},
		}},
		{Name: "a server's life", Service: "compute", Steps: steps(placesToBoot(), []Step{
			{
				Name: "create", Request: "POST /servers", Body: server(`"metadata": {"imgctl_run": "$run"}, "config_drive": true`),
				Save: map[string]string{"server": "server.id"},
			},
			wait("active", "server.status=ACTIVE"),
			{Name: "another project's look", As: "member", Request: "GET /servers/$server"},
			{Name: "another project's delete", As: "member", Request: "DELETE /servers/$server"},
			{Name: "active, newer", Version: "2.47", Request: "GET /servers/$server"},
			{Name: "tags, newer", Version: "2.26", Request: "PUT /servers/$server/tags", Body: `{"tags": ["x"]}`},
			{Name: "tags, older", Request: "PUT /servers/$server/tags", Body: `{"tags": ["x"]}`},
			{Name: "metadata", Request: "POST /servers/$server/metadata", Body: `{"metadata": {"a": "b"}}`},
			{Name: "show metadata", Request: "GET /servers/$server/metadata"},
			{Name: "set one item", Request: "PUT /servers/$server/metadata/c", Body: `{"meta": {"c": "d"}}`},
			{Name: "set one under another name", Request: "PUT /servers/$server/metadata/c", Body: `{"meta": {"x": "d"}}`},
			{Name: "set one too long", Request: "PUT /servers/$server/metadata/c", Body: `{"meta": {"c": "` + strings.Repeat("v", 256) +
				`"}}`},
			{Name: "show one item", Request: "GET /servers/$server/metadata/c"},
			{Name: "show an item that is none", Request: "GET /servers/$server/metadata/none"},
			{Name: "replace metadata", Request: "PUT /servers/$server/metadata", Body: `{"metadata": {"imgctl_run": "$run", "e": "f"}}`},
			{Name: "delete one item", Request: "DELETE /servers/$server/metadata/e"},
			{Name: "delete an item that is none", Request: "DELETE /servers/$server/metadata/e"},
			{Name: "metadata as a reader", As: "reader", Request: "POST /servers/$server/metadata", Body: `{"metadata": {"a": "b"}}`},
			{Name: "metadata as another project", As: "member", Request: "GET /servers/$server/metadata"},
			{Name: "port", Service: "network", Request: "GET /v2.0/ports?device_id=$server"},
			{Name: "interfaces", Request: "GET /servers/$server/os-interface"},
			{Name: "by name", Request: "GET /servers?name=$run"},
			{Name: "rename", Request: "PUT /servers/$server", Body: `{"server": {"name": "$run-x"}}`},
			action("start what runs", "", `{"os-start": null}`),
			action("snapshot", "", `{"createImage": {"name": "$run-snapshot", "metadata": {"imgctl_run": "$run"}}}`),
			wait("snapshot done", "server.OS-EXT-STS:task_state="),
			{
				Name: "find the snapshot", Unseen: true, Service: "image", Request: "GET /v2/images?name=$run-snapshot",
				Save: map[string]string{"snapshot": "images.0.id"},
			},
			{Name: "the snapshot", Service: "image", Request: "GET /v2/images/$snapshot", Until: "status=active"},
			{
				Name: "snapshot, newer", Version: "2.45", Request: "POST /servers/$server/action",
				Body: `{"createImage": {"name": "$run-snapshot-2"}}`, Save: map[string]string{"snapshot2": "image_id"},
			},
			wait("second snapshot done", "server.OS-EXT-STS:task_state="),
			action("snapshot without a name", "", `{"createImage": {"name": ""}}`),
			action("snapshot with long metadata", "", `{"createImage": {"name": "x", "metadata": {"k": "`+strings.Repeat("v", 256)+`"}}}`),
			action("snapshot with too much metadata", "", `{"createImage": {"name": "x", "metadata": {`+
				strings.Trim(many(129, func(n string) string { return `"k` + n + `": "v"` }), "[]")+`}}}`),
			action("snapshot by another project", "member", `{"createImage": {"name": "x"}}`),
			action("stop", "", `{"os-stop": null}`),
			wait("stopped", "server.status=SHUTOFF"),
			action("stop again", "", `{"os-stop": null}`),
			action("start", "", `{"os-start": null}`),
			wait("started", "server.status=ACTIVE"),
			{Name: "delete", Request: "DELETE /servers/$server"},
			{Name: "deleted", Request: "GET /servers/$server", Until: "itemNotFound.code=404"},
			{Name: "delete again", Request: "DELETE /servers/$server"},
			{Name: "no port left", Service: "network", Request: "GET /v2.0/ports?device_id=$server"},
		}), Cleanup: []string{"DELETE /servers/$server", "image! DELETE /v2/images/$snapshot", "image! DELETE /v2/images/$snapshot2"}},
		{Name: "flavors and versions", Service: "compute", Steps: []Step{
			{Name: "prepare", Unseen: true, Request: "GET /flavors", Save: map[string]string{
				"flavor":      "flavors.0.id",
				"flavor_name": "flavors.0.name",
			}},
			{Name: "unknown flavor", Request: "GET /flavors/$uuid1"},
			{Name: "version too new", Version: "2.999", Request: "GET /servers"},
			{Name: "version that is none", Version: "nonsense", Request: "GET /servers"},
			{Name: "no such path", Request: "GET /nonsense"},
			{Name: "without a token", As: "nobody", Request: "GET /servers"},
		}},
	}
}

func computeErrors() []Scenario {
	create := func(name, body string) Step { return Step{Name: name, Request: "POST /servers", Body: body} }
	return []Scenario{{
		Name: "refused creates", Service: "compute", Cleanup: []string{"image! DELETE /v2/images/$big"},
		Steps: steps(placesToBoot(), []Step{
			create("unknown image", `{"server": {"name": "$run", "imageRef": "$uuid1", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			create("image that is no id", `{"server": {"name": "$run", "imageRef": "nope", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			create("no image", `{"server": {"name": "$run", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			create("unknown flavor", `{"server": {"name": "$run", "imageRef": "$image", "flavorRef": "$uuid1", "networks": [{"uuid": "$network"}]}}`),
			create("unknown network", `{"server": {"name": "$run", "imageRef": "$image", "flavorRef": "$flavor", "networks": [{"uuid": "$uuid1"}]}}`),
			create("network that is no id", `{"server": {"name": "$run", "imageRef": "$image", "flavorRef": "$flavor", "networks": [{"uuid": "x"}]}}`),
			create("unknown port", `{"server": {"name": "$run", "imageRef": "$image", "flavorRef": "$flavor", "networks": [{"port": "$uuid1"}]}}`),
			create("unknown keypair", server(`"key_name": "$run"`)),
			create("unknown security group", server(`"security_groups": [{"name": "$run"}]`)),
			create("unknown zone", server(`"availability_zone": "$run"`)),
			create("metadata value too long", server(`"metadata": {"k": "`+strings.Repeat("v", 256)+`"}`)),
			create("too much metadata", server(`"metadata": {`+strings.Trim(many(129, func(n string) string { return `"k` + n + `": "v"` }),
				"[]")+`}`)),
			create("metadata that is a number", server(`"metadata": {"k": 1}`)),
			create("unknown attribute", server(`"nonsense": 1`)),
			create("description too early", server(`"description": "d"`)),
			create("no name", `{"server": {"imageRef": "$image", "flavorRef": "$flavor"}}`),
			create("no JSON", `{bad`),
			{Name: "as a reader", As: "reader", Request: "POST /servers", Body: server("")},
			{
				Name: "a queued image", Unseen: true, Service: "image", Request: "POST /v2/images", Save: map[string]string{"big": "id"},
				Body: `{"name": "$run-big", "disk_format": "raw", "container_format": "bare", "min_disk": 500}`,
			},
			create("queued image", `{"server": {"name": "$run", "imageRef": "$big", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			{
				Name: "its data", Unseen: true, Service: "image", Request: "PUT /v2/images/$big/file", Body: "data",
				Type: "application/octet-stream",
			},
			create("disk too small", `{"server": {"name": "$run", "imageRef": "$big", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			{Name: "deactivate it", Unseen: true, Service: "image", Request: "POST /v2/images/$big/actions/deactivate"},
			create("deactivated image", `{"server": {"name": "$run", "imageRef": "$big", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}]}}`),
			{Name: "show unknown", Request: "GET /servers/$uuid1"},
			{Name: "delete unknown", Request: "DELETE /servers/$uuid1"},
			{Name: "stop unknown", Request: "POST /servers/$uuid1/action", Body: `{"os-stop": null}`},
		}),
	}}
}
