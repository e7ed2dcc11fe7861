package cinder

import (
	"net/http"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func writer(c front.Caller, action string) error {
	if !c.Is("member") && !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow %s to be performed.", action)
	}
	return nil
}

func notFound(id string) error {
	return answer.Fail(http.StatusNotFound, "Volume %s could not be found.", id)
}

func invalid(format string, args ...any) error {
	return answer.Fail(http.StatusBadRequest, "Invalid input received: "+format, args...)
}

func invalidVolume(format string, args ...any) error {
	return answer.Fail(http.StatusBadRequest, "Invalid volume: "+format, args...)
}
