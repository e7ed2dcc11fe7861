package record

import "net/http"

func identity() []Scenario {
	wrong := `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "$owner_user", "password": "wrong"}}}}}`
	return []Scenario{
		{Name: "tokens", Service: "identity", Steps: []Step{
			{Name: "wrong password", As: "nobody", Request: "POST /v3/auth/tokens", Body: wrong},
			{
				Name: "no such user", As: "nobody", Request: "POST /v3/auth/tokens",
				Body: `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": "$run", "domain": {"name": "Default"}, "password": "x"}}}}}`,
			},
			{Name: "no identity", As: "nobody", Request: "POST /v3/auth/tokens", Body: `{"auth": {}}`},
			{Name: "no JSON", As: "nobody", Request: "POST /v3/auth/tokens", Body: `{"auth"`},
			{Name: "unknown method", As: "nobody", Request: "POST /v3/auth/tokens", Body: `{"auth": {"identity": {"methods": ["magic"]}}}`},
			{
				Name: "wrong application credential", As: "nobody", Request: "POST /v3/auth/tokens",
				Body: `{"auth": {"identity": {"methods": ["application_credential"], "application_credential": {"id": "$uuid1", "secret": "x"}}}}`,
			},
			{Name: "validate own token without X-Subject-Token", Request: "GET /v3/auth/tokens"},
			{Name: "validate a wrong token", Request: "GET /v3/auth/tokens", Header: http.Header{"X-Subject-Token": {"wrong"}}},
		}},
		{Name: "a token without a project", Service: "identity", Steps: []Step{
			{
				Name: "log in", As: "nobody", Request: "POST /v3/auth/tokens",
				Save: map[string]string{"unscoped": "header X-Subject-Token"},
				Body: `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "$owner_user", "password": "$owner_password"}}}, "scope": "unscoped"}}`,
			},
			{Name: "projects to choose from", As: "$unscoped", Request: "GET /v3/auth/projects"},
			{Name: "projects of the user", As: "$unscoped", Request: "GET /v3/users/$owner_user/projects"},
			{Name: "catalog", As: "$unscoped", Request: "GET /v3/auth/catalog"},
			{Name: "images", As: "$unscoped", Service: "image", Request: "GET /v2/images?name=$run"},
			{Name: "create an image", As: "$unscoped", Service: "image", Request: "POST /v2/images", Body: `{"name": "$run"}`},
			{Name: "servers", As: "$unscoped", Service: "compute", Request: "GET /servers"},
			{Name: "networks", As: "$unscoped", Service: "network", Request: "GET /v2.0/networks?name=$run"},
			{
				Name: "scope it", As: "nobody", Request: "POST /v3/auth/tokens",
				Save: map[string]string{"scoped": "header X-Subject-Token"},
				Body: `{"auth": {"identity": {"methods": ["token"], "token": {"id": "$unscoped"}}, "scope": {"project": {"id": "$owner_project"}}}}`,
			},
			{
				Name: "scope it to another project", As: "nobody", Request: "POST /v3/auth/tokens",
				Body: `{"auth": {"identity": {"methods": ["token"], "token": {"id": "$unscoped"}}, "scope": {"project": {"id": "$member_project"}}}}`,
			},
			{Name: "revoke", As: "$scoped", Request: "DELETE /v3/auth/tokens", Header: http.Header{"X-Subject-Token": {"$scoped"}}},
			{Name: "use it then", As: "$scoped", Request: "GET /v3/auth/projects"},
		}},
		{Name: "without a token", Service: "identity", Steps: []Step{
			{Name: "versions", As: "nobody", Request: "GET /v3"},
			{Name: "projects", As: "nobody", Request: "GET /v3/projects"},
			{Name: "no such path", Request: "GET /v3/nonsense"},
		}},
		{Name: "projects", Service: "identity", Steps: []Step{
			{Name: "own project", Request: "GET /v3/projects/$owner_project"},
			{Name: "another project as a member", Request: "GET /v3/projects/$member_project"},
			{Name: "another project as the admin", As: "admin", Request: "GET /v3/projects/$member_project"},
			{Name: "no such project as the admin", As: "admin", Request: "GET /v3/projects/$uuid1"},
			{Name: "own project as a reader", As: "reader", Request: "GET /v3/projects/$owner_project"},
			{Name: "own projects", Request: "GET /v3/users/$owner_user/projects"},
			{Name: "another user's projects", Request: "GET /v3/users/$member_user/projects"},
			{Name: "list as a member", Request: "GET /v3/projects?name=$run"},
			{Name: "list as the admin by a name that nothing has", As: "admin", Request: "GET /v3/projects?name=$run"},
		}},
		{Name: "application credentials", Service: "identity", Steps: []Step{
			{
				Name: "create", Request: "POST /v3/users/$owner_user/application_credentials",
				Body: `{"application_credential": {"name": "$run", "secret": "s3cret"}}`,
				Save: map[string]string{"credential": "application_credential.id"},
			},
			{
				Name: "create again", Request: "POST /v3/users/$owner_user/application_credentials",
				Body: `{"application_credential": {"name": "$run", "secret": "s3cret"}}`,
			},
			{Name: "show", Request: "GET /v3/users/$owner_user/application_credentials/$credential"},
			{Name: "show another user's", As: "member", Request: "GET /v3/users/$owner_user/application_credentials/$credential"},
			{
				Name: "log in with a wrong secret", As: "nobody", Request: "POST /v3/auth/tokens",
				Body: `{"auth": {"identity": {"methods": ["application_credential"], "application_credential": {"id": "$credential", "secret": "x"}}}}`,
			},
			{Name: "delete", Request: "DELETE /v3/users/$owner_user/application_credentials/$credential"},
			{Name: "delete again", Request: "DELETE /v3/users/$owner_user/application_credentials/$credential"},
		}, Cleanup: []string{"DELETE /v3/users/$owner_user/application_credentials/$credential"}},
	}
}
