package cinder

import (
	"errors"
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

// decode reads a request's body; what is wrong with it is the client's fault.
func decode(r *http.Request, v any) error {
	err := answer.Decode(r, v)
	if p, ok := errors.AsType[*answer.Problem](err); ok {
		return p
	}
	if err != nil {
		return answer.Fail(http.StatusBadRequest, "Malformed request body")
	}
	return nil
}
