package record

import "net/http"

func imageData() []Scenario {
	upload := func(name, as, id, data string) Step {
		return Step{Name: name, As: as, Request: "PUT /v2/images/$" + id + "/file", Body: data, Type: "application/octet-stream"}
	}
	return []Scenario{
		{Name: "upload and download", Service: "image", Cleanup: deleteImages("image", "bare"), Steps: steps(newImage("image", ""), []Step{
			{Name: "download nothing", Request: "GET /v2/images/$image/file"},
			{Name: "wrong content type", Request: "PUT /v2/images/$image/file", Body: "x", Type: "text/plain"},
			upload("as a stranger", "stranger", "image", "x"),
			upload("as a reader", "reader", "image", "x"),
			upload("as the owner", "", "image", "sixsix"),
			{Name: "show", Request: "GET /v2/images/$image"},
			upload("again", "", "image", "x"),
			{Name: "download", Request: "GET /v2/images/$image/file"},
			{Name: "download a part", Request: "GET /v2/images/$image/file", Header: http.Header{"Range": {"bytes=1-2"}}},
			{Name: "download as a stranger", As: "stranger", Request: "GET /v2/images/$image/file"},
			{
				Name: "prepare without a format", Unseen: true, Request: "POST /v2/images", Body: `{"name": "$run-bare"}`,
				Save: map[string]string{"bare": "id"},
			},
			upload("without a format", "", "bare", "x"),
		})},
		{
			Name: "import", Service: "image", Cleanup: deleteImages("image", "other"),
			Steps: steps(newImage("image", ""), newImage("other", ""), []Step{
				{Name: "methods", Request: "GET /v2/info/import"},
				{
					Name: "import what was not staged", Request: "POST /v2/images/$image/import",
					Body: `{"method": {"name": "glance-direct"}}`,
				},
				{Name: "unknown method", Request: "POST /v2/images/$image/import", Body: `{"method": {"name": "nonsense"}}`},
				{Name: "stage", Request: "PUT /v2/images/$image/stage", Body: "staged", Type: "application/octet-stream"},
				{Name: "show while staged", Request: "GET /v2/images/$image"},
				{Name: "import", Request: "POST /v2/images/$image/import", Body: `{"method": {"name": "glance-direct"}}`},
				{Name: "until it is active", Unseen: true, Request: "GET /v2/images/$image", Until: "status=active"},
				{Name: "show when done", Request: "GET /v2/images/$image", Until: "os_glance_import_task="},
				{
					Name: "from a scheme that is not allowed", Request: "POST /v2/images/$other/import",
					Body: `{"method": {"name": "web-download", "uri": "ftp://127.0.0.1/x"}}`,
				},
			}),
		},
	}
}
