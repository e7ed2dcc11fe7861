package record

// baremetalVersion is the microversion that the scenarios ask for unless they say otherwise.
const baremetalVersion = "1.78"

// ironic makes steps of requests to the Bare Metal service, as the admin.
func ironic(all ...Step) []Step {
	for k := range all {
		if all[k].As == "" {
			all[k].As = "admin"
		}
		if all[k].Version == "" {
			all[k].Version = baremetalVersion
		}
	}
	return all
}

// newNode enrolls a node on which everything is fake, and takes it to the state available.
func newNode(name, more string) []Step {
	if more != "" {
		more = ", " + more
	}
	return ironic(
		Step{
			Name: "prepare " + name, Unseen: true, Request: "POST /v1/nodes", Save: map[string]string{name: "uuid"},
			Body: `{"name": "$run-` + name + `", "driver": "fake-hardware", "deploy_interface": "fake", "boot_interface": "fake",
				"resource_class": "$run"` + more + `}`,
		},
		Step{Name: "manage " + name, Unseen: true, Request: "PUT /v1/nodes/$" + name + "/states/provision", Body: `{"target": "manage"}`},
		Step{Name: "await " + name, Unseen: true, Request: "GET /v1/nodes/$" + name, Until: "provision_state=manageable"},
		Step{Name: "provide " + name, Unseen: true, Request: "PUT /v1/nodes/$" + name + "/states/provision", Body: `{"target": "provide"}`},
		Step{Name: "await " + name + " again", Unseen: true, Request: "GET /v1/nodes/$" + name, Until: "provision_state=available"},
		// A node whose power state isn't known can't be allocated.
		Step{Name: "switch " + name + " off", Unseen: true, Request: "PUT /v1/nodes/$" + name + "/states/power", Body: `{"target": "power off"}`},
		Step{Name: "await " + name + " off", Unseen: true, Request: "GET /v1/nodes/$" + name, Until: "power_state=power off"},
	)
}

func baremetal() []Scenario {
	return []Scenario{nodeLife(), nodeLists(), nodePatches(), nodeStates(), nodeTransition(), allocations(), baremetalVersions()}
}

func nodeLife() Scenario {
	create := func(name, as, attributes string) Step {
		return Step{Name: name, As: as, Request: "POST /v1/nodes", Body: `{` + attributes + `}`}
	}
	provision := func(name, target string) Step {
		return Step{Name: name, Request: "PUT /v1/nodes/$node/states/provision", Body: `{"target": "` + target + `"}`}
	}
	life := create("create", "", `"name": "$run", "driver": "fake-hardware", "deploy_interface": "fake", "boot_interface": "fake",
		"resource_class": "$run", "properties": {"cpu_arch": "x86_64"}, "driver_info": {"ipmi_password": "secret", "deploy_kernel": "k"},
		"extra": {"a": {"b": 1}}`)
	life.Save = map[string]string{"node": "uuid"}
	return Scenario{Name: "a node's life", Service: "baremetal", Cleanup: []string{"DELETE /v1/nodes/$node"}, Steps: ironic(
		life,
		create("the name again", "", `"name": "$run", "driver": "fake-hardware"`),
		create("the UUID again", "", `"uuid": "$node", "driver": "fake-hardware"`),
		create("no driver", "", `"name": "$run-2"`),
		create("unknown driver", "", `"name": "$run-2", "driver": "$run"`),
		create("unknown field", "", `"name": "$run-2", "driver": "fake-hardware", "nonsense": 1`),
		create("as a member", "owner", `"name": "$run-2", "driver": "fake-hardware"`),
		Step{Name: "show", Request: "GET /v1/nodes/$node"},
		Step{Name: "show by name", Request: "GET /v1/nodes/$run?fields=uuid,name"},
		Step{Name: "show some fields", Request: "GET /v1/nodes/$node?fields=uuid,driver_info,provision_state,links"},
		Step{Name: "an unknown field", Request: "GET /v1/nodes/$node?fields=uuid,nonsense"},
		Step{Name: "show as a member", As: "owner", Request: "GET /v1/nodes/$node"},
		Step{Name: "show unknown", Request: "GET /v1/nodes/$uuid1"},
		Step{Name: "show an unknown name", Request: "GET /v1/nodes/$run-none"},
		Step{Name: "show without a token", As: "nobody", Request: "GET /v1/nodes/$node"},
		Step{Name: "states", Request: "GET /v1/nodes/$node/states"},
		provision("a verb of another state", "provide"),
		provision("an unknown verb", "nonsense"),
		Step{Name: "no verb", Request: "PUT /v1/nodes/$node/states/provision", Body: `{}`},
		Step{
			Name: "a verb as a member", As: "owner", Request: "PUT /v1/nodes/$node/states/provision",
			Body: `{"target": "manage"}`,
		},
		provision("manage", "manage"),
		Step{
			Name: "manageable", Until: "provision_state=manageable",
			Request: "GET /v1/nodes/$node?fields=provision_state,target_provision_state,power_state,last_error,reservation",
		},
		provision("provide", "provide"),
		Step{Name: "available", Request: "GET /v1/nodes/$node", Until: "provision_state=available"},
		Step{Name: "delete as a member", As: "owner", Request: "DELETE /v1/nodes/$node"},
		Step{Name: "delete unknown", Request: "DELETE /v1/nodes/$uuid1"},
		Step{Name: "delete", Request: "DELETE /v1/nodes/$node"},
		Step{Name: "deleted", Request: "GET /v1/nodes/$node"},
	)}
}

func nodeLists() Scenario {
	list := func(name, query string) Step { return Step{Name: name, Request: "GET /v1/nodes" + query} }
	return Scenario{Name: "lists of nodes", Service: "baremetal", Cleanup: deleteNodes("a", "b"), Steps: steps(
		newNode("a", ""), newNode("b", ""), ironic(
			list("by class", "?resource_class=$run"),
			list("in detail", "?resource_class=$run&detail=true"),
			list("at the older address", "/detail?resource_class=$run"),
			list("with fields", "?resource_class=$run&fields=uuid,name,driver_info,extra,traits,target_provision_state,reservation"),
			list("an unknown field", "?resource_class=$run&fields=uuid,nonsense"),
			list("a field that is no column", "?resource_class=$run&fields=uuid,allocation_uuid"),
			list("detail and fields", "?resource_class=$run&detail=true&fields=uuid"),
			list("the first page", "?resource_class=$run&limit=1&fields=uuid"),
			list("the second page", "?resource_class=$run&limit=1&fields=uuid&marker=$a"),
			list("behind the last", "?resource_class=$run&limit=1&fields=uuid&marker=$b"),
			list("an unknown marker", "?resource_class=$run&marker=$uuid1"),
			list("a limit of 0", "?resource_class=$run&limit=0&fields=uuid"),
			list("a negative limit", "?resource_class=$run&limit=-1"),
			list("a limit that is no number", "?resource_class=$run&limit=x"),
			list("by state", "?resource_class=$run&provision_state=active"),
			list("by an unknown state", "?resource_class=$run&provision_state=nonsense"),
			list("by instance", "?instance_uuid=$uuid1&fields=uuid"),
			list("by maintenance", "?resource_class=$run&maintenance=true"),
			list("associated", "?resource_class=$run&associated=false&fields=uuid"),
			Step{Name: "as a member", As: "owner", Request: "GET /v1/nodes?resource_class=$run"},
		))}
}

func nodePatches() Scenario {
	patch := func(name, operations string) Step {
		return Step{Name: name, Request: "PATCH /v1/nodes/$a", Body: operations}
	}
	return Scenario{Name: "patches", Service: "baremetal", Cleanup: deleteNodes("a"), Steps: steps(newNode("a", ""), ironic(
		patch("both images and a journal", `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "k"},
			{"op": "add", "path": "/driver_info/deploy_ramdisk", "value": "r"},
			{"op": "add", "path": "/extra/imgctl_ipa", "value": {"runs": [{"run": "x"}]}}]`),
		patch("add over a value", `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "k2"}]`),
		patch("replace what isn't there", `[{"op": "replace", "path": "/extra/none", "value": 1}]`),
		patch("remove what isn't there", `[{"op": "remove", "path": "/extra/none"}]`),
		patch("one of two fails", `[{"op": "add", "path": "/extra/x", "value": 1}, {"op": "remove", "path": "/extra/y"}]`),
		patch("test", `[{"op": "test", "path": "/extra/x", "value": 1}]`),
		patch("a bad path", `[{"op": "add", "path": "extra", "value": 1}]`),
		patch("a read-only field", `[{"op": "add", "path": "/provision_state", "value": "active"}]`),
		patch("the UUID", `[{"op": "replace", "path": "/uuid", "value": "$uuid1"}]`),
		patch("a list is needed", `{"op": "add"}`),
		patch("a password", `[{"op": "add", "path": "/driver_info/ipmi_password", "value": "secret"}]`),
		patch("an instance", `[{"op": "add", "path": "/instance_uuid", "value": "$uuid1"}]`),
		patch("another instance", `[{"op": "add", "path": "/instance_uuid", "value": "$uuid2"}]`),
		patch("no instance", `[{"op": "remove", "path": "/instance_uuid"}]`),
		patch("no instance again", `[{"op": "remove", "path": "/instance_uuid"}]`),
		patch("remove both images", `[{"op": "remove", "path": "/driver_info/deploy_kernel"},
			{"op": "remove", "path": "/driver_info/deploy_ramdisk"}]`),
		Step{Name: "as a member", As: "owner", Request: "PATCH /v1/nodes/$a", Body: `[{"op": "add", "path": "/extra/x", "value": 1}]`},
		Step{Name: "unknown node", Request: "PATCH /v1/nodes/$uuid1", Body: `[{"op": "add", "path": "/extra/x", "value": 1}]`},
		Step{Name: "the node at last", Request: "GET /v1/nodes/$a?fields=driver_info,extra,instance_uuid"},
	))}
}

func nodeStates() Scenario {
	provision := func(name, target string) Step {
		return Step{Name: name, Request: "PUT /v1/nodes/$a/states/provision", Body: `{"target": "` + target + `"}`}
	}
	const some = "GET /v1/nodes/$a?fields=provision_state,target_provision_state,power_state,last_error,instance_info,maintenance,fault"
	reach := func(state string) Step { return Step{Name: state, Request: some, Until: "provision_state=" + state} }
	return Scenario{Name: "states and maintenance", Service: "baremetal", Cleanup: deleteNodes("a"), Steps: steps(newNode("a", ""), ironic(
		Step{Name: "validate", Request: "GET /v1/nodes/$a/validate"},
		Step{Name: "maintenance", Request: "PUT /v1/nodes/$a/maintenance", Body: `{"reason": "why"}`},
		Step{Name: "in maintenance", Request: "GET /v1/nodes/$a?fields=maintenance,maintenance_reason,fault"},
		provision("deploy in maintenance", "active"),
		Step{Name: "no maintenance", Request: "DELETE /v1/nodes/$a/maintenance"},
		Step{Name: "no maintenance again", Request: "DELETE /v1/nodes/$a/maintenance"},
		provision("abort what isn't going on", "abort"),
		provision("deploy", "active"),
		reach("active"),
		Step{Name: "patch an active node", Request: "PATCH /v1/nodes/$a", Body: `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "k"}]`},
		Step{Name: "delete an active node", Request: "DELETE /v1/nodes/$a"},
		provision("deploy again", "active"),
		provision("provide an active node", "provide"),
		provision("undeploy", "deleted"),
		Step{Name: "available again", Request: some, Until: "provision_state=available"},
		provision("undeploy an available node", "deleted"),
		Step{Name: "power on", Request: "PUT /v1/nodes/$a/states/power", Body: `{"target": "power on"}`},
		Step{Name: "validate unknown", Request: "GET /v1/nodes/$uuid1/validate"},
		Step{Name: "validate as a member", As: "owner", Request: "GET /v1/nodes/$a/validate"},
	))}
}

// nodeTransition is what a node answers whose ramdisk never calls back.
func nodeTransition() Scenario {
	const some = "GET /v1/nodes/$real?fields=provision_state,target_provision_state,driver_info"
	// The answer to a patch has all that others have left on the node.
	prepare := func(name, operations string) Step {
		return Step{Name: name, Unseen: true, Request: "PATCH /v1/nodes/$real", Body: operations}
	}
	provision := func(name, target string) Step {
		return Step{Name: name, Request: "PUT /v1/nodes/$real/states/provision", Body: `{"target": "` + target + `"}`}
	}
	return Scenario{Name: "a node in transition", Service: "baremetal", Steps: ironic(
		Step{
			Name: "find a node", Unseen: true, Request: "GET /v1/nodes?resource_class=real&provision_state=available",
			Save: map[string]string{"real": "nodes.0.uuid"},
		},
		Step{
			Name: "find an image", Unseen: true, Service: "image",
			Request: "GET /v2/images?visibility=public&status=active&sort=created_at:asc&limit=1",
			Save:    map[string]string{"image": "images.0.id"},
		},
		provision("no image to deploy", "active"),
		prepare("half a pair", `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "$image"}]`),
		Step{Name: "validate half a pair", Request: "GET /v1/nodes/$real/validate"},
		prepare("a pair that isn't there", `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "$uuid1"},
			{"op": "add", "path": "/driver_info/deploy_ramdisk", "value": "$uuid2"},
			{"op": "add", "path": "/instance_info/image_source", "value": "$image"}]`),
		Step{Name: "validate what isn't there", Request: "GET /v1/nodes/$real/validate"},
		provision("deploy what isn't there", "active"),
		Step{
			Name: "deploy failed", Request: "GET /v1/nodes/$real?fields=provision_state,target_provision_state,last_error",
			Until: "provision_state=deploy failed",
		},
		prepare("patch after a failure", `[{"op": "add", "path": "/driver_info/deploy_kernel", "value": "$image"},
			{"op": "add", "path": "/driver_info/deploy_ramdisk", "value": "$image"}]`),
		provision("abort after a failure", "abort"),
		provision("deploy again", "active"),
		Step{Name: "waiting", Request: some, Until: "provision_state=wait call-back"},
		Step{Name: "patch", Request: "PATCH /v1/nodes/$real", Body: `[{"op": "add", "path": "/extra/x", "value": 1}]`},
		provision("deploy while deploying", "active"),
		provision("manage while deploying", "manage"),
		provision("undeploy", "deleted"),
		Step{Name: "available", Request: some, Until: "provision_state=available"},
		prepare("give back", `[{"op": "remove", "path": "/driver_info/deploy_kernel"}, {"op": "remove", "path": "/driver_info/deploy_ramdisk"}]`),
		Step{Name: "at last", Request: "GET /v1/nodes/$real?fields=driver_info,instance_info,instance_uuid,maintenance"},
	)}
}

func allocations() Scenario {
	create := func(name, as, attributes string) Step {
		return Step{Name: name, As: as, Request: "POST /v1/allocations", Body: `{` + attributes + `}`}
	}
	show := func(name, until string) Step {
		return Step{Name: name, Request: "GET /v1/allocations/$uuid1", Until: until}
	}
	provision := func(name, target string) Step {
		return Step{Name: name, Request: "PUT /v1/nodes/$a/states/provision", Body: `{"target": "` + target + `"}`}
	}
	return Scenario{
		Name: "allocations", Service: "baremetal",
		Cleanup: append([]string{"DELETE /v1/allocations/$uuid1", "DELETE /v1/allocations/$uuid2"}, deleteNodes("a")...),
		Steps: steps(newNode("a", ""), ironic(
			create("no class", "", `"name": "$run"`),
			create("as a member", "owner", `"uuid": "$uuid4", "name": "$run-m", "resource_class": "$run"`),
			Step{Name: "remove it as a member", As: "owner", Request: "DELETE /v1/allocations/$uuid4"},
			create("unknown candidate", "", `"name": "$run", "resource_class": "$run", "candidate_nodes": ["$uuid3"]`),
			create("create", "", `"uuid": "$uuid1", "name": "$run", "resource_class": "$run", "candidate_nodes": ["$a"], "extra": {"imgctl_run": "x"}`),
			show("active", "state=active"),
			Step{Name: "its node", Request: "GET /v1/nodes/$a?fields=instance_uuid,allocation_uuid,instance_info,reservation"},
			create("the name again", "", `"uuid": "$uuid2", "name": "$run", "resource_class": "$run"`),
			create("the UUID again", "", `"uuid": "$uuid1", "name": "$run-2", "resource_class": "$run"`),
			create("nothing is free", "", `"uuid": "$uuid2", "name": "$run-2", "resource_class": "$run"`),
			Step{Name: "failed", Request: "GET /v1/allocations/$uuid2", Until: "state=error"},
			Step{Name: "remove the failed one", Request: "DELETE /v1/allocations/$run-2"},
			create("candidates that aren't free", "", `"uuid": "$uuid2", "name": "$run-2", "resource_class": "$run", "candidate_nodes": ["$a"]`),
			Step{Name: "failed, too", Request: "GET /v1/allocations/$uuid2", Until: "state=error"},
			Step{Name: "remove it", Request: "DELETE /v1/allocations/$uuid2"},
			Step{Name: "by class", Request: "GET /v1/allocations?resource_class=$run"},
			Step{Name: "by name", Request: "GET /v1/allocations/$run"},
			Step{Name: "as a member, by name", As: "owner", Request: "GET /v1/allocations/$run"},
			provision("deploy", "active"),
			Step{Name: "deployed", Request: "GET /v1/nodes/$a?fields=provision_state,instance_uuid", Until: "provision_state=active"},
			Step{Name: "remove in use", Request: "DELETE /v1/allocations/$uuid1"},
			provision("undeploy", "deleted"),
			Step{
				Name: "available", Until: "provision_state=available",
				Request: "GET /v1/nodes/$a?fields=provision_state,instance_uuid,allocation_uuid",
			},
			show("gone with its instance", ""),
			create("once more", "", `"uuid": "$uuid1", "name": "$run", "resource_class": "$run"`),
			show("active again", "state=active"),
			Step{Name: "remove", Request: "DELETE /v1/allocations/$uuid1"},
			Step{Name: "remove again", Request: "DELETE /v1/allocations/$uuid1"},
			Step{Name: "the node is free", Request: "GET /v1/nodes/$a?fields=instance_uuid,allocation_uuid,instance_info"},
		)),
	}
}

func baremetalVersions() Scenario {
	return Scenario{Name: "versions", Service: "baremetal", Cleanup: deleteNodes("a"), Steps: steps(newNode("a", ""), ironic(
		Step{Name: "the oldest", Version: "1.1", Request: "GET /v1/nodes/$a"},
		Step{Name: "fields before there were any", Version: "1.1", Request: "GET /v1/nodes?fields=uuid"},
		Step{Name: "a field that is too new", Version: "1.8", Request: "GET /v1/nodes/$a?fields=traits"},
		Step{Name: "the first with allocations", Version: "1.52", Request: "GET /v1/nodes/$a"},
		Step{Name: "allocations that are too new", Version: "1.51", Request: "GET /v1/allocations"},
		Step{Name: "create one that is too new", Version: "1.51", Request: "POST /v1/allocations", Body: `{"resource_class": "x"}`},
		Step{Name: "too new", Version: "1.999", Request: "GET /v1/nodes/$a"},
		Step{Name: "not a version", Version: "nonsense", Request: "GET /v1/nodes/$a"},
		Step{Name: "another major one", Version: "2.1", Request: "GET /v1/nodes/$a"},
		Step{Name: "no such path", Request: "GET /v1/nonsense"},
	))}
}

func deleteNodes(names ...string) []string {
	var requests []string
	for _, name := range names {
		requests = append(requests, "DELETE /v1/nodes/$"+name)
	}
	return requests
}
