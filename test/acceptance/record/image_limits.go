package record

import "strings"

func imageLimits() []Scenario {
	grow := func(name, operations string) Step { return patch(name, "", "image", operations) }
	return []Scenario{
		{Name: "members over quota", Service: "image", Cleanup: deleteImages("image"), Steps: steps(newImage("image", ""), []Step{
			addMember("add one", "", "image", "member"), addMember("add two", "", "image", "admin"),
			{Name: "add three", Request: "POST /v2/images/$image/members", Body: `{"member": "$uuid1"}`},
			{Name: "add four", Request: "POST /v2/images/$image/members", Body: `{"member": "$uuid2"}`},
			{Name: "add one that is there", Request: "POST /v2/images/$image/members", Body: `{"member": "$uuid1"}`},
			{Name: "remove one", Request: "DELETE /v2/images/$image/members/$uuid1"},
			{Name: "add four again", Request: "POST /v2/images/$image/members", Body: `{"member": "$uuid2"}`},
			setStatus("accept when full", "member", "image", "member", "accepted"),
			listMembers("list", "", "image"),
		})},
		{
			Name: "properties and tags over quota", Service: "image", Cleanup: deleteImages("image"),
			Steps: steps(newImage("image", ""), []Step{
				grow("twelve properties", many(12, func(n string) string { return `{"op": "add", "path": "/p` + n + `", "value": "v"}` })),
				grow("one more", `[{"op": "add", "path": "/one", "value": "v"}]`),
				grow("change one", `[{"op": "replace", "path": "/p0", "value": "w"}]`),
				grow("one for another", `[{"op": "remove", "path": "/p0"}, {"op": "add", "path": "/one", "value": "v"}]`),
				grow("four tags", `[{"op": "replace", "path": "/tags", "value": ["a", "b", "c", "d"]}]`),
				grow("five tags", `[{"op": "replace", "path": "/tags", "value": ["a", "b", "c", "d", "e"]}]`),
				{Name: "put a fifth tag", Request: "PUT /v2/images/$image/tags/e"},
				{Name: "create with too many properties", Request: "POST /v2/images", Body: `{"name": "$run", ` +
					strings.Trim(many(13, func(n string) string { return `"p` + n + `": "v"` }), "[]") + `}`},
				{
					Name: "create with too many tags", Request: "POST /v2/images",
					Body: `{"name": "$run", "tags": ["a", "b", "c", "d", "e"]}`,
				},
			}),
		},
		{Name: "images over quota", Service: "image", Cleanup: deleteImages("a", "b", "c", "d"), Steps: steps(
			newImage("a", ""), newImage("b", ""), newImage("c", ""), []Step{
				{Name: "one too many", Request: "POST /v2/images", Body: `{"name": "$run-d"}`},
				{
					Name: "upload two MiB", Request: "PUT /v2/images/$a/file", Body: strings.Repeat("x", 2200<<10),
					Type: "application/octet-stream",
				},
				{Name: "show it", Request: "GET /v2/images/$a"},
				{Name: "upload a bit more", Request: "PUT /v2/images/$b/file", Body: "x", Type: "application/octet-stream"},
				{Name: "show the second", Request: "GET /v2/images/$b"},
				{Name: "stage", Request: "PUT /v2/images/$c/stage", Body: "staged", Type: "application/octet-stream"},
				{Name: "remove the first", Request: "DELETE /v2/images/$a"},
				{Name: "upload in its place", Request: "PUT /v2/images/$b/file", Body: "x", Type: "application/octet-stream"},
				{Name: "create in its place", Request: "POST /v2/images", Body: `{"name": "$run-d"}`, Save: map[string]string{"d": "id"}},
			})},
	}
}

// imagePages fills more pages than one, where the project may have as many images.
func imagePages() []Scenario {
	var fill []Step
	for _, name := range []string{"a", "b", "c", "d", "e", "aa", "bb", "cc", "dd", "ee", "z"} {
		fill = append(fill, newImage(name, `"group": "$run"`)...)
	}
	page := func(name, query string) Step { return list(name, "", "group=$run&sort=name:asc"+query) }
	return []Scenario{
		{
			Name: "pages of five", Service: "image", Cleanup: deleteImages("a", "b", "c", "d", "e", "aa", "bb", "cc", "dd", "ee", "z"),
			Steps: steps(
				fill, []Step{
					page("without a limit", ""), page("the next", "&marker=$c"), page("the last", "&marker=$ee"),
					page("more than the most", "&limit=1000"),
				}),
		},
	}
}
