package record

func list(name, as, query string) Step {
	return Step{Name: name, As: as, Request: "GET /v2/images?" + query}
}

func imageList() []Scenario {
	bad := func(query string) Step { return list("bad "+query, "", query) }
	return []Scenario{
		{Name: "who sees what", Service: "image", Cleanup: deleteImages("shared", "hidden", "private", "community"), Steps: steps(
			newImage("shared", `"group": "$run"`), newImage("hidden", `"group": "$run", "os_hidden": true`),
			newImage("private", `"group": "$run", "visibility": "private"`),
			newImage("community", `"group": "$run", "visibility": "community"`),
			[]Step{
				addMember("add to shared", "", "shared", "member"), addMember("add to hidden", "", "hidden", "member"),
				list("owner", "", "group=$run&sort=name:asc"),
				list("owner, hidden", "", "group=$run&os_hidden=true"),
				list("reader of the project", "reader", "group=$run&sort=name:asc"),
				list("admin", "admin", "group=$run&sort=name:asc"),
				list("admin of this owner", "admin", "group=$run&sort=name:asc&owner=$owner_project"),
				list("stranger", "stranger", "group=$run"),
				list("stranger, all", "stranger", "group=$run&visibility=all"),
				list("stranger, community", "stranger", "group=$run&visibility=community"),
				list("stranger, of this owner", "stranger", "group=$run&owner=$owner_project"),
				list("pending member", "member", "group=$run"),
				list("pending member, all states", "member", "group=$run&member_status=all"),
				list("pending member, pending", "member", "group=$run&visibility=shared&member_status=pending"),
				list("pending member, all states, hidden", "member", "group=$run&os_hidden=true&member_status=all"),
				setStatus("accept shared", "member", "shared", "member", "accepted"),
				setStatus("accept hidden", "member", "hidden", "member", "accepted"),
				list("accepted member", "member", "group=$run"),
				list("accepted member, shared", "member", "group=$run&visibility=shared"),
				list("accepted member, hidden", "member", "group=$run&os_hidden=true"),
				list("accepted member, all", "member", "group=$run&visibility=all&sort=name:asc"),
				{Name: "hidden by id", As: "member", Request: "GET /v2/images/$hidden"},
				list("owner, private", "", "group=$run&visibility=private"),
				list("owner, shared", "", "group=$run&visibility=shared"),
			})},
		{Name: "pages", Service: "image", Cleanup: deleteImages("a", "b", "c"), Steps: steps(
			newImage("a", `"group": "$run"`), newImage("b", `"group": "$run"`), newImage("c", `"group": "$run"`),
			[]Step{
				list("first", "", "group=$run&sort=name:asc&limit=2"),
				list("second", "", "group=$run&sort=name:asc&limit=2&marker=$b"),
				list("descending", "", "group=$run&sort_key=name&sort_dir=desc&limit=1"),
				list("none", "", "group=$run&limit=0"),
				list("by marker that is none", "", "group=$run&marker=$uuid1"),
			})},
		{Name: "filters", Service: "image", Cleanup: deleteImages("image", "comma", "colon", "queued"), Steps: steps(
			activeImage("image", `"group": "$run", "tags": ["t1", "t2"], "min_disk": 3`), newImage("queued", `"group": "$run"`), []Step{
				{
					Name: "prepare a comma", Unseen: true, Request: "POST /v2/images",
					Body: `{"name": "$run,b \"c\"", "group": "$run-names"}`,
					Save: map[string]string{"comma": "id"},
				},
				{
					Name: "prepare a colon", Unseen: true, Request: "POST /v2/images",
					Body: `{"name": "$run:b,c", "group": "$run-names", "imgctl_current": "a:b/c, d"}`,
					Save: map[string]string{"colon": "id"},
				},
				list("name", "", "name=$run-image"),
				list("name in other letters", "", "name=$run-IMAGE"),
				list("a name with comma and quotes", "", "name=$run,b%20%22c%22"),
				list("a name with a colon", "", "name=$run:b,c"),
				list("a name with a colon, quoted", "", "name=in:%22$run:b,c%22"),
				list("one of two names", "", "name=in:$run-image,$run-queued&sort=name:asc"),
				list("a property with colon and comma", "", "imgctl_current=a%3Ab%2Fc%2C%20d&group=$run-names"),
				list("status", "", "group=$run&status=active"),
				list("two states", "", "group=$run&status=in:active,queued&sort=name:asc"),
				list("no such status", "", "group=$run&status=nonsense"),
				list("tag", "", "group=$run&tag=t1"),
				list("both tags", "", "group=$run&tag=t1&tag=t2"),
				list("no such tag", "", "group=$run&tag=t1&tag=t3"),
				list("size", "", "group=$run&size_min=1&size_max=6"),
				list("created since", "", "group=$run&created_at=gte:2020-01-01T00:00:00Z&sort=name:asc"),
				list("updated before", "", "group=$run&updated_at=lt:2020-01-01T00:00:00Z"),
				list("id", "", "id=in:$image"),
				list("protected", "", "group=$run&protected=true"),
			})},
		{Name: "bad queries", Service: "image", Steps: []Step{
			bad("visibility=nonsense"), bad("member_status=nonsense"), bad("os_hidden=all"), bad("protected=x"), bad("limit=-1"),
			bad("limit=x"),
			bad("marker=nope"), bad("sort=nonsense:asc"), bad("sort=name:sideways"), bad("size_max=x"), bad("created_at=x"),
			bad("name=x:y"),
		}},
	}
}
