package keystone

import (
	"fmt"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func appCredNotFound(id string) error {
	return answer.Fail(http.StatusNotFound, "Could not find Application Credential: %s.", id)
}

// refuse answers with an error, which for 401 says where to log in.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("Keystone uri=%q", front.Base(r)))
	}
	answer.Keystone(w, r, status, message)
}

var (
	// errAuth is Keystone's answer to whatever is wrong with credentials.
	errAuth = answer.Fail(http.StatusUnauthorized, "The request you have made requires authentication.")
	// errToken is its answer to a token that isn't one, or none any more.
	errToken = answer.Fail(http.StatusNotFound, "Could not recognize Fernet token")
)

func expecting(what string) error {
	return answer.Fail(http.StatusBadRequest, "Expecting to find %s. The server could not comply with the request since it is either "+
		"malformed or otherwise incorrect. The client is assumed to be in error.", what)
}

func notAllowed(action string) error {
	return answer.Fail(http.StatusForbidden, "You are not authorized to perform the requested action: identity:%s.", action)
}
