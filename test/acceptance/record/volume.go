package record

func volume() []Scenario {
	ask := func(name, as, request, body string) Step {
		return Step{Name: name, As: as, Request: request, Body: body}
	}
	create := func(name, attributes string) Step {
		return ask(name, "", "POST /volumes", `{"volume": {`+attributes+`}}`)
	}
	action := func(name, as, body string) Step { return ask(name, as, "POST /volumes/$volume/action", body) }
	wait := func(name, until string) Step {
		return Step{Name: name, Request: "GET /volumes/$volume", Until: until}
	}
	return []Scenario{
		{Name: "a volume's life", Service: "volumev3", Cleanup: []string{"DELETE /volumes/$volume"}, Steps: []Step{
			{
				Name: "create", Request: "POST /volumes", Save: map[string]string{"volume": "volume.id"},
				Body: `{"volume": {"name": "$run", "size": 1, "metadata": {"imgctl_run": "$run"}}}`,
			},
			wait("available", "volume.status=available"),
			ask("by name", "", "GET /volumes?name=$run", ""),
			ask("by name in detail", "", "GET /volumes/detail?name=$run", ""),
			ask("by metadata", "", "GET /volumes?metadata=%7B%27imgctl_run%27%3A%27$run%27%7D", ""),
			ask("another project's look", "member", "GET /volumes/$volume", ""),
			ask("another project's delete", "member", "DELETE /volumes/$volume", ""),
			ask("a reader's look", "reader", "GET /volumes/$volume", ""),
			ask("a reader's delete", "reader", "DELETE /volumes/$volume", ""),
			ask("rename", "", "PUT /volumes/$volume", `{"volume": {"name": "$run-x", "description": "d"}}`),
			ask("metadata", "", "GET /volumes/$volume/metadata", ""),
			ask("add metadata", "", "POST /volumes/$volume/metadata", `{"metadata": {"a": "b"}}`),
			ask("replace metadata", "", "PUT /volumes/$volume/metadata", `{"metadata": {"c": "d"}}`),
			ask("remove metadata", "", "DELETE /volumes/$volume/metadata/c", ""),
			ask("remove it again", "", "DELETE /volumes/$volume/metadata/c", ""),
			action("upload without a name", "", `{"os-volume_upload_image": {"force": false}}`),
			action("unknown action", "", `{"nonsense": {}}`),
			action("shrink", "", `{"os-extend": {"new_size": 1}}`),
			action("set bootable", "", `{"os-set_bootable": {"bootable": true}}`),
			action("set image metadata", "", `{"os-set_image_metadata": {"metadata": {"k": "v"}}}`),
			action("show image metadata", "", `{"os-show_image_metadata": null}`),
			action("unset image metadata", "", `{"os-unset_image_metadata": {"key": "k"}}`),
			action("unset it again", "", `{"os-unset_image_metadata": {"key": "k"}}`),
			ask("delete", "", "DELETE /volumes/$volume", ""),
			{Name: "deleted", Request: "GET /volumes/$volume", Until: "itemNotFound.code=404"},
			ask("delete again", "", "DELETE /volumes/$volume", ""),
			action("an action after", "", `{"os-set_bootable": {"bootable": true}}`),
		}},
		{Name: "refused volumes", Service: "volumev3", Steps: steps([]Step{{
			Name: "an image of three GiB", Unseen: true, Service: "image", Request: "POST /v2/images",
			Save: map[string]string{"image": "id"},
			Body: `{"name": "$run", "disk_format": "raw", "container_format": "bare", "min_disk": 3}`,
		}}, []Step{
			create("no size", `"name": "$run"`),
			create("size 0", `"name": "$run", "size": 0`),
			create("a size that is none", `"name": "$run", "size": "x"`),
			create("unknown image", `"name": "$run", "size": 1, "imageRef": "$uuid1"`),
			create("an image without data", `"name": "$run", "size": 1, "imageRef": "$image"`),
			{
				Name: "its data", Unseen: true, Service: "image", Request: "PUT /v2/images/$image/file", Body: "data",
				Type: "application/octet-stream",
			},
			create("smaller than the image needs", `"name": "$run", "size": 1, "imageRef": "$image"`),
			create("unknown type", `"name": "$run", "size": 1, "volume_type": "$run"`),
			create("unknown zone", `"name": "$run", "size": 1, "availability_zone": "$run"`),
			create("unknown snapshot", `"name": "$run", "size": 1, "snapshot_id": "$uuid1"`),
			create("unknown source", `"name": "$run", "size": 1, "source_volid": "$uuid1"`),
			ask("no volume", "", "POST /volumes", `{}`),
			ask("no JSON", "", "POST /volumes", `{bad`),
			ask("as a reader", "reader", "POST /volumes", `{"volume": {"name": "$run", "size": 1}}`),
			ask("show unknown", "", "GET /volumes/$uuid1", ""),
			ask("delete unknown", "", "DELETE /volumes/$uuid1", ""),
			ask("without a token", "nobody", "GET /volumes", ""),
			ask("no such path", "", "GET /nonsense", ""),
			{Name: "version too new", Version: "3.999", Request: "GET /volumes?name=$run"},
			{Name: "version that is none", Version: "nonsense", Request: "GET /volumes?name=$run"},
		}), Cleanup: []string{"image! DELETE /v2/images/$image"}},
		{Name: "from an image and back", Service: "volumev3", Steps: steps(placesToBoot(), []Step{
			{
				Name: "create", Request: "POST /volumes", Save: map[string]string{"volume": "volume.id"},
				Body: `{"volume": {"name": "$run", "size": 1, "imageRef": "$image"}}`,
			},
			wait("available", "volume.status=available"),
			{
				Name: "upload", Version: "3.1", Request: "POST /volumes/$volume/action",
				Save: map[string]string{"uploaded": "os-volume_upload_image.image_id"},
				Body: `{"os-volume_upload_image": {"image_name": "$run", "disk_format": "qcow2", "container_format": "bare", "visibility": "private"}}`,
			},
			wait("uploaded", "volume.status=available"),
			{Name: "the image", Service: "image", Request: "GET /v2/images/$uploaded", Until: "status=active"},
			{
				Name: "upload, older", Request: "POST /volumes/$volume/action",
				Save: map[string]string{"uploaded2": "os-volume_upload_image.image_id"},
				Body: `{"os-volume_upload_image": {"image_name": "$run-2"}}`,
			},
			wait("uploaded again", "volume.status=available"),
			{Name: "the second image", Service: "image", Request: "GET /v2/images/$uploaded2", Until: "status=active"},
			{
				Name: "upload as public", Version: "3.1", Request: "POST /volumes/$volume/action",
				Body: `{"os-volume_upload_image": {"image_name": "$run-3", "visibility": "public"}}`,
			},
			action("upload as another project", "member", `{"os-volume_upload_image": {"image_name": "$run-3"}}`),
			action("upload as a reader", "reader", `{"os-volume_upload_image": {"image_name": "$run-3"}}`),
			ask("delete", "", "DELETE /volumes/$volume", ""),
			{Name: "deleted", Request: "GET /volumes/$volume", Until: "itemNotFound.code=404"},
		}), Cleanup: []string{"DELETE /volumes/$volume", "image! DELETE /v2/images/$uploaded", "image! DELETE /v2/images/$uploaded2"}},
	}
}

func volumeBoot() []Scenario {
	volumeStep := func(name, until string) Step {
		return Step{Name: name, Service: "volumev3", Request: "GET /volumes/$volume", Until: until}
	}
	onVolume := func(more string) string {
		return `{"server": {"name": "$run", "flavorRef": "$flavor", "networks": [{"uuid": "$network"}], "block_device_mapping_v2":
			[{"boot_index": 0, "uuid": "$volume", "source_type": "volume", "destination_type": "volume"` + more + `}]}}`
	}
	return []Scenario{{Name: "a server on a volume", Service: "compute", Steps: steps(placesToBoot(), []Step{
		{
			Name: "prepare a blank volume", Unseen: true, Service: "volumev3", Request: "POST /volumes",
			Save: map[string]string{"volume": "volume.id"},
			Body: `{"volume": {"name": "$run-blank", "size": 1}}`,
		},
		{Name: "until it is there", Unseen: true, Service: "volumev3", Request: "GET /volumes/$volume", Until: "volume.status=available"},
		{Name: "boot from what is not bootable", Request: "POST /servers", Body: onVolume("")},
		{Name: "delete the blank volume", Unseen: true, Service: "volumev3", Request: "DELETE /volumes/$volume"},
		{
			Name: "prepare a volume", Unseen: true, Service: "volumev3", Request: "POST /volumes",
			Save: map[string]string{"volume": "volume.id"},
			Body: `{"volume": {"name": "$run", "size": 1, "imageRef": "$image"}}`,
		},
		{
			Name: "until it has its data", Unseen: true, Service: "volumev3", Request: "GET /volumes/$volume",
			Until: "volume.status=available",
		},
		{Name: "create", Request: "POST /servers", Body: onVolume(""), Save: map[string]string{"server": "server.id"}},
		{Name: "active", Request: "GET /servers/$server", Until: "server.status=ACTIVE"},
		volumeStep("the volume in use", "volume.status=in-use"),
		{Name: "its attachments", Request: "GET /servers/$server/os-volume_attachments"},
		{Name: "delete the volume in use", Service: "volumev3", Request: "DELETE /volumes/$volume"},
		{
			Name: "upload the volume in use", Service: "volumev3", Request: "POST /volumes/$volume/action",
			Body: `{"os-volume_upload_image": {"image_name": "$run"}}`,
		},
		{Name: "boot another from it", Request: "POST /servers", Body: onVolume("")},
		{Name: "stop", Request: "POST /servers/$server/action", Body: `{"os-stop": null}`},
		{Name: "stopped", Request: "GET /servers/$server", Until: "server.status=SHUTOFF"},
		{Name: "delete", Request: "DELETE /servers/$server"},
		{Name: "deleted", Request: "GET /servers/$server", Until: "itemNotFound.code=404"},
		volumeStep("the volume is free", "volume.status=available"),
		{Name: "delete the volume", Service: "volumev3", Request: "DELETE /volumes/$volume"},
		{Name: "boot from what is gone", Request: "POST /servers", Body: onVolume("")},
	}), Cleanup: []string{"DELETE /servers/$server", "volumev3! DELETE /volumes/$volume"}}}
}
