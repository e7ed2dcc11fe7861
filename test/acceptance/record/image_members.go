package record

// addMember and setStatus speak of the project of a person.
func addMember(name, as, id, person string) Step {
	return Step{Name: name, As: as, Request: "POST /v2/images/$" + id + "/members", Body: `{"member": "$` + person + `_project"}`}
}

func setStatus(name, as, id, person, status string) Step {
	return Step{Name: name, As: as, Request: "PUT /v2/images/$" + id + "/members/$" + person + "_project", Body: `{"status": "` + status +
		`"}`}
}

func listMembers(name, as, id string) Step {
	return Step{Name: name, As: as, Request: "GET /v2/images/$" + id + "/members"}
}

func setVisibility(name, as, id, visibility string) Step {
	return patch(name, as, id, `[{"op": "replace", "path": "/visibility", "value": "`+visibility+`"}]`)
}

func imageMembers() []Scenario {
	return []Scenario{
		{Name: "members", Service: "image", Cleanup: deleteImages("image"), Steps: steps(activeImage("image", ""), []Step{
			listMembers("list none", "", "image"),
			addMember("add", "", "image", "member"),
			addMember("add twice", "", "image", "member"),
			addMember("add as a stranger", "stranger", "image", "stranger"),
			addMember("add as the member", "member", "image", "stranger"),
			addMember("add as a reader", "reader", "image", "stranger"),
			addMember("add as the admin", "admin", "image", "stranger"),
			{Name: "add nobody", Request: "POST /v2/images/$image/members", Body: `{"member": ""}`},
			{Name: "add without saying whom", Request: "POST /v2/images/$image/members", Body: `{}`},
			{Name: "add a project that is none", Request: "POST /v2/images/$image/members", Body: `{"member": "$run-none"}`},
			listMembers("list as the owner", "", "image"),
			listMembers("list as the member", "member", "image"),
			listMembers("list as a reader of the owner's project", "reader", "image"),
			{Name: "show as the owner", Request: "GET /v2/images/$image/members/$member_project"},
			{Name: "show oneself", As: "member", Request: "GET /v2/images/$image/members/$member_project"},
			{Name: "show another member", As: "member", Request: "GET /v2/images/$image/members/$stranger_project"},
			{Name: "show one that is none", Request: "GET /v2/images/$image/members/$admin_project"},
			{Name: "delete as the member", As: "member", Request: "DELETE /v2/images/$image/members/$member_project"},
			{Name: "delete as another member", As: "stranger", Request: "DELETE /v2/images/$image/members/$member_project"},
			{Name: "delete", Request: "DELETE /v2/images/$image/members/$member_project"},
			{Name: "delete again", Request: "DELETE /v2/images/$image/members/$member_project"},
			{Name: "the image is gone for the former member", As: "member", Request: "GET /v2/images/$image"},
			listMembers("list as the former member", "member", "image"),
			addMember("add once more", "", "image", "member"),
		})},
		{Name: "states of members", Service: "image", Cleanup: deleteImages("image"), Steps: steps(activeImage("image", ""), []Step{
			setStatus("one that is none", "member", "image", "member", "accepted"),
			setStatus("one that is none as the owner", "", "image", "member", "accepted"),
			addMember("add", "", "image", "member"),
			setStatus("accept as the owner", "", "image", "member", "accepted"),
			setStatus("accept as a stranger", "stranger", "image", "member", "accepted"),
			setStatus("accept as the admin of another project", "admin", "image", "member", "accepted"),
			setStatus("back to pending", "member", "image", "member", "pending"),
			setStatus("reject", "member", "image", "member", "rejected"),
			{Name: "the rejected member sees it by its id", As: "member", Request: "GET /v2/images/$image"},
			setStatus("accept", "member", "image", "member", "accepted"),
			setStatus("nonsense", "member", "image", "member", "nonsense"),
			{Name: "no status", As: "member", Request: "PUT /v2/images/$image/members/$member_project", Body: `{}`},
			patch("rename as the member", "member", "image", `[{"op": "replace", "path": "/name", "value": "x"}]`),
			{Name: "delete the image as the member", As: "member", Request: "DELETE /v2/images/$image"},
			{Name: "download as the member", As: "member", Request: "GET /v2/images/$image/file"},
		})},
		{Name: "a reader of the member's project", Service: "image", Steps: []Step{
			{
				Name: "prepare", As: "member", Unseen: true, Request: "POST /v2/images", Body: `{"name": "$run"}`,
				Save: map[string]string{"image": "id"},
			},
			{Name: "add", As: "member", Unseen: true, Request: "POST /v2/images/$image/members", Body: `{"member": "$owner_project"}`},
			setStatus("accepts", "reader", "image", "owner", "accepted"),
		}, Cleanup: deleteImages("image")},
		{Name: "a member whose project is deleted", Service: "image", Cleanup: append(deleteImages("image"),
			"identity! DELETE /v3/projects/$gone"), Steps: steps(activeImage("image", ""), []Step{
			{
				Name: "prepare a project", As: "admin", Unseen: true, Service: "identity", Request: "POST /v3/projects",
				Body: `{"project": {"name": "$run"}}`, Save: map[string]string{"gone": "project.id"},
			},
			{Name: "add", Request: "POST /v2/images/$image/members", Body: `{"member": "$gone"}`},
			{Name: "delete the project", As: "admin", Service: "identity", Request: "DELETE /v3/projects/$gone"},
			{Name: "look for the project", As: "admin", Service: "identity", Request: "GET /v3/projects/$gone"},
			listMembers("list", "", "image"),
			{Name: "show", Request: "GET /v2/images/$image/members/$gone"},
			{Name: "remove", Request: "DELETE /v2/images/$image/members/$gone"},
		})},
		{Name: "members and visibility", Service: "image", Cleanup: deleteImages("image"), Steps: steps(newImage("image", ""), []Step{
			addMember("add", "", "image", "member"),
			setStatus("accept", "member", "image", "member", "accepted"),
			setVisibility("private", "", "image", "private"),
			listMembers("list while private", "", "image"),
			listMembers("list while private as the admin", "admin", "image"),
			addMember("add one that is there while private", "", "image", "member"),
			{Name: "show while private", Request: "GET /v2/images/$image/members/$member_project"},
			addMember("add while private", "", "image", "stranger"),
			{Name: "delete while private", Request: "DELETE /v2/images/$image/members/$member_project"},
			setStatus("change while private", "member", "image", "member", "pending"),
			{Name: "show the image while private as the member", As: "member", Request: "GET /v2/images/$image"},
			setVisibility("shared again", "", "image", "shared"),
			listMembers("the members are back", "", "image"),
			setVisibility("community", "", "image", "community"),
			listMembers("list while community", "", "image"),
			addMember("add while community", "", "image", "stranger"),
			setStatus("change while community", "member", "image", "member", "pending"),
			{Name: "show while community as a stranger", As: "stranger", Request: "GET /v2/images/$image"},
			setVisibility("public as a member", "", "image", "public"),
			setVisibility("public as the admin", "admin", "image", "public"),
			listMembers("list while public", "", "image"),
			patch("rename a public image as its owner", "", "image", `[{"op": "replace", "path": "/name", "value": "$run-x"}]`),
			setVisibility("shared after public", "", "image", "shared"),
			listMembers("the members are back again", "", "image"),
		})},
	}
}
