package record

func network() []Scenario {
	ask := func(name, as, request, body string) Step {
		return Step{Name: name, As: as, Request: request, Body: body}
	}
	return []Scenario{
		{Name: "networks", Service: "network", Steps: []Step{
			ask("unknown", "", "GET /v2.0/networks/$uuid1", ""),
			ask("by a name that nothing has", "", "GET /v2.0/networks?name=$run", ""),
			ask("without a token", "nobody", "GET /v2.0/networks", ""),
			ask("no such path", "", "GET /v2.0/nonsense", ""),
		}},
		{Name: "security groups", Service: "network", Cleanup: []string{"DELETE /v2.0/security-groups/$group"}, Steps: []Step{
			{
				Name: "create", Request: "POST /v2.0/security-groups", Body: `{"security_group": {"name": "$run", "description": "d"}}`,
				Save: map[string]string{"group": "security_group.id"},
			},
			{
				Name: "rule", Request: "POST /v2.0/security-group-rules", Save: map[string]string{"rule": "security_group_rule.id"},
				Body: `{"security_group_rule": {"security_group_id": "$group", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}}`,
			},
			ask("the same rule", "", "POST /v2.0/security-group-rules",
				`{"security_group_rule": {"security_group_id": "$group", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}}`),
			ask("show as another project", "member", "GET /v2.0/security-groups/$group", ""),
			ask("delete as another project", "member", "DELETE /v2.0/security-groups/$group", ""),
			ask("delete", "", "DELETE /v2.0/security-groups/$group", ""),
			ask("delete again", "", "DELETE /v2.0/security-groups/$group", ""),
		}},
		{Name: "ports", Service: "network", Cleanup: []string{"DELETE /v2.0/ports/$port"}, Steps: []Step{
			{
				Name: "find a network", Unseen: true, Request: "GET /v2.0/networks?shared=true",
				Save: map[string]string{"network": "networks.0.id"},
			},
			{
				Name: "create", Request: "POST /v2.0/ports",
				Body: `{"port": {"network_id": "$network", "name": "$run", "description": "imgctl_run=$run"}}`,
				Save: map[string]string{"port": "port.id"},
			},
			ask("show", "", "GET /v2.0/ports/$port", ""),
			ask("show as another project", "member", "GET /v2.0/ports/$port", ""),
			ask("by description", "", "GET /v2.0/ports?description=imgctl_run=$run&fields=id&fields=description", ""),
			ask("on an unknown network", "", "POST /v2.0/ports", `{"port": {"network_id": "$uuid1"}}`),
			ask("with an unknown group", "", "POST /v2.0/ports", `{"port": {"network_id": "$network", "security_groups": ["$uuid1"]}}`),
			ask("an address outside", "", "POST /v2.0/ports",
				`{"port": {"network_id": "$network", "fixed_ips": [{"ip_address": "192.0.2.9"}]}}`),
			ask("unknown attribute", "", "POST /v2.0/ports", `{"port": {"network_id": "$network", "nonsense": 1}}`),
			ask("no JSON", "", "POST /v2.0/ports", `{bad`),
			ask("as a reader", "reader", "POST /v2.0/ports", `{"port": {"network_id": "$network"}}`),
			ask("delete", "", "DELETE /v2.0/ports/$port", ""),
			ask("delete again", "", "DELETE /v2.0/ports/$port", ""),
		}},
		{Name: "a floating IP's port", Service: "network", Cleanup: []string{
			"DELETE /v2.0/floatingips/$floating",
			"DELETE /v2.0/ports/$port",
		}, Steps: []Step{
			{
				Name: "find the outside", Unseen: true, Request: "GET /v2.0/networks?router:external=true",
				Save: map[string]string{"outside": "networks.0.id"},
			},
			{
				Name: "find the inside", Unseen: true, Request: "GET /v2.0/networks?shared=true&name=private",
				Save: map[string]string{"network": "networks.0.id"},
			},
			{
				Name: "prepare a port", Unseen: true, Request: "POST /v2.0/ports",
				Body: `{"port": {"network_id": "$network", "name": "$run"}}`, Save: map[string]string{"port": "port.id"},
			},
			{
				Name: "prepare", Unseen: true, Request: "POST /v2.0/floatingips",
				Body: `{"floatingip": {"floating_network_id": "$outside"}}`,
				Save: map[string]string{"floating": "floatingip.id"},
			},
			ask("give it", "", "PUT /v2.0/floatingips/$floating", `{"floatingip": {"port_id": "$port"}}`),
			ask("by the port", "", "GET /v2.0/floatingips?port_id=$port", ""),
			ask("another one for the same port", "", "POST /v2.0/floatingips",
				`{"floatingip": {"floating_network_id": "$outside", "port_id": "$port"}}`),
			ask("take it away", "", "PUT /v2.0/floatingips/$floating", `{"floatingip": {"port_id": null}}`),
			ask("on an inner network", "", "POST /v2.0/floatingips", `{"floatingip": {"floating_network_id": "$network"}}`),
			ask("as a reader", "reader", "POST /v2.0/floatingips", `{"floatingip": {"floating_network_id": "$outside"}}`),
			ask("delete as a reader", "reader", "DELETE /v2.0/floatingips/$floating", ""),
		}},
		{Name: "floating IPs", Service: "network", Cleanup: []string{"DELETE /v2.0/floatingips/$floating"}, Steps: []Step{
			{
				Name: "find the outside", Unseen: true, Request: "GET /v2.0/networks?router:external=true",
				Save: map[string]string{"outside": "networks.0.id"},
			},
			{
				Name: "create", Request: "POST /v2.0/floatingips",
				Body: `{"floatingip": {"floating_network_id": "$outside", "description": "imgctl_run=$run"}}`,
				Save: map[string]string{"floating": "floatingip.id"},
			},
			ask("by description", "", "GET /v2.0/floatingips?description=imgctl_run=$run", ""),
			ask("show as another project", "member", "GET /v2.0/floatingips/$floating", ""),
			ask("to an unknown port", "", "PUT /v2.0/floatingips/$floating", `{"floatingip": {"port_id": "$uuid1"}}`),
			ask("on an unknown network", "", "POST /v2.0/floatingips", `{"floatingip": {"floating_network_id": "$uuid1"}}`),
			ask("delete as another project", "member", "DELETE /v2.0/floatingips/$floating", ""),
			ask("delete", "", "DELETE /v2.0/floatingips/$floating", ""),
			ask("delete again", "", "DELETE /v2.0/floatingips/$floating", ""),
		}},
	}
}
