package record

import "strings"

func imagePatch() []Scenario {
	all := `[{"op": "replace", "path": "/name", "value": "$run-final"}, {"op": "replace", "path": "/visibility", "value": "private"},
		{"op": "replace", "path": "/os_hidden", "value": true}, {"op": "add", "path": "/imgctl_x", "value": "1"},
		{"op": "replace", "path": "/tags", "value": ["t2", "t1"]}, {"op": "replace", "path": "/min_disk", "value": 7},
		{"op": "replace", "path": "/min_ram", "value": 8}, {"op": "replace", "path": "/protected", "value": false}]`
	return []Scenario{
		{
			Name: "one for all", Service: "image", Cleanup: deleteImages("active", "queued"),
			Steps: steps(activeImage("active", ""), newImage("queued", ""), []Step{
				patch("active", "", "active", all),
				patch("queued", "", "queued", all),
				patch("disk_format of the queued", "", "queued", `[{"op": "replace", "path": "/disk_format", "value": "qcow2"}]`),
				patch("disk_format of the active", "", "active", `[{"op": "replace", "path": "/disk_format", "value": "qcow2"}]`),
			}),
		},
		{
			Name: "all or nothing", Service: "image", Cleanup: deleteImages("image"),
			Steps: steps(newImage("image", `"a": "1", "b": "2"`), []Step{
				patch("failing last", "", "image",
					`[{"op": "replace", "path": "/name", "value": "x"}, {"op": "remove", "path": "/absent"}]`),
				patch("failing first", "", "image",
					`[{"op": "remove", "path": "/absent"}, {"op": "replace", "path": "/name", "value": "x"}]`),
				patch("replace what is absent", "", "image",
					`[{"op": "add", "path": "/c", "value": "1"}, {"op": "replace", "path": "/absent", "value": "1"}]`),
				patch("one that only the admin may", "", "image",
					`[{"op": "replace", "path": "/name", "value": "x"}, {"op": "replace", "path": "/visibility", "value": "public"}]`),
				patch("one that is no number", "", "image",
					`[{"op": "replace", "path": "/name", "value": "x"}, {"op": "replace", "path": "/min_disk", "value": "x"}]`),
				patch("remove twice", "", "image", `[{"op": "remove", "path": "/a"}, {"op": "remove", "path": "/a"}]`),
				{Name: "nothing has changed", Request: "GET /v2/images/$image"},
				patch("remove and add", "", "image", `[{"op": "remove", "path": "/a"}, {"op": "add", "path": "/a", "value": "9"}]`),
				patch("add and remove", "", "image", `[{"op": "add", "path": "/z", "value": "9"}, {"op": "remove", "path": "/z"}]`),
				patch("add and replace", "", "image",
					`[{"op": "add", "path": "/q", "value": "1"}, {"op": "replace", "path": "/q", "value": "2"}]`),
				patch("add what is there", "", "image", `[{"op": "add", "path": "/q", "value": "3"}]`),
			}),
		},
		{Name: "refused", Service: "image", Cleanup: deleteImages("image"), Steps: steps(newImage("image", ""), []Step{
			patch("remove the name", "", "image", `[{"op": "remove", "path": "/name"}]`),
			patch("remove the tags", "", "image", `[{"op": "remove", "path": "/tags"}]`),
			patch("the id", "", "image", `[{"op": "replace", "path": "/id", "value": "$uuid1"}]`),
			patch("the status", "", "image", `[{"op": "replace", "path": "/status", "value": "active"}]`),
			patch("the owner as a member", "", "image", `[{"op": "replace", "path": "/owner", "value": "$member_project"}]`),
			patch("the operation test", "", "image", `[{"op": "test", "path": "/name", "value": "x"}]`),
			patch("no value", "", "image", `[{"op": "replace", "path": "/name"}]`),
			patch("a number as a property", "", "image", `[{"op": "add", "path": "/n", "value": 5}]`),
			patch("an unknown visibility", "", "image", `[{"op": "replace", "path": "/visibility", "value": "nonsense"}]`),
			patch("no list", "", "image", `{"name": "x"}`),
			patch("no JSON", "", "image", `[bad`),
			{Name: "plain JSON as content type", Request: "PATCH /v2/images/$image", Body: `[]`},
			{Name: "another content type", Request: "PATCH /v2/images/$image", Body: `[]`, Type: "application/json-patch+json"},
			patch("an empty list", "", "image", `[]`),
			patch("as a stranger", "stranger", "image", `[]`),
			patch("as a reader", "reader", "image", `[{"op": "replace", "path": "/name", "value": "x"}]`),
			patch("as nobody", "nobody", "image", `[]`),
			patch("the owner as the admin", "admin", "image", `[{"op": "replace", "path": "/owner", "value": "$member_project"}]`),
		})},
		{Name: "limits", Service: "image", Cleanup: deleteImages("image"), Steps: steps(newImage("image", ""), []Step{
			patch("a value of 65535 bytes", "", "image", `[{"op": "add", "path": "/big", "value": "`+strings.Repeat("y", 65535)+`"}]`),
			patch("and away", "", "image", `[{"op": "remove", "path": "/big"}]`),
			patch("a key of 255", "", "image", `[{"op": "add", "path": "/`+strings.Repeat("k", 255)+`", "value": "v"}]`),
			{Name: "a key of 256 at create", Request: "POST /v2/images", Body: `{"name": "$run", "` + strings.Repeat("k", 256) + `": "v"}`},
			patch("a key with everything", "", "image", `[{"op": "add", "path": "/hw:A b.c~1d", "value": "v"}]`),
			patch("130 properties", "", "image", many(130, func(n string) string {
				return `{"op": "add", "path": "/p` + n +
					`", "value": "v"}`
			})),
			patch("a tag of 256", "", "image", `[{"op": "replace", "path": "/tags", "value": ["`+strings.Repeat("t", 256)+`"]}]`),
			patch("the same tag twice", "", "image", `[{"op": "replace", "path": "/tags", "value": ["a", "a"]}]`),
			{Name: "a name of 256", Request: "POST /v2/images", Body: `{"name": "` + strings.Repeat("x", 256) + `"}`},
		})},
	}
}
