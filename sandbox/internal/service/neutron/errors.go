package neutron

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

var faultTypes = map[int]string{
	400: "BadRequest", 401: "HTTPUnauthorized", 403: "PolicyNotAuthorized", 404: "HTTPNotFound", 409: "Conflict",
	413: "OverQuota", 429: "HTTPTooManyRequests", 500: "HTTPInternalServerError", 503: "HTTPServiceUnavailable",
}

// refuse answers as Neutron does: {"NeutronError": {"type", "message", "detail"}}.
func refuse(w http.ResponseWriter, r *http.Request, status int, message string) {
	refuseKind(w, r, status, faultTypes[status], message)
}

// refuseKind answers with the exception's own type, such as "NetworkNotFound".
func refuseKind(w http.ResponseWriter, _ *http.Request, status int, kind, message string) {
	answer.JSON(w, status, map[string]any{"NeutronError": map[string]any{"type": kind, "message": message, "detail": ""}})
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *answer.Problem
	switch {
	case !errors.As(err, &p):
		refuse(w, r, http.StatusInternalServerError, err.Error())
	case p.Kind == "":
		refuse(w, r, p.Status, p.Message)
	default:
		refuseKind(w, r, p.Status, p.Kind, p.Message)
	}
}

func (k kind) notFound(id string) error {
	words, ok := map[string]string{
		"SecurityGroup":     "Security group %s does not exist",
		"SecurityGroupRule": "Security group rule %s does not exist",
		"FloatingIP":        "Floating IP %s could not be found",
		"Router":            "Router %s could not be found",
	}[k.exception]
	if !ok {
		words = k.exception + " %s could not be found."
	}
	return answer.FailKind(http.StatusNotFound, k.exception+"NotFound", words, id)
}

// disallowed refuses an action, or an action's attributes.
func disallowed(action string, attributes ...string) error {
	rule := "rule:" + action
	for _, a := range attributes {
		rule += " and rule:" + action + ":" + a
	}
	if len(attributes) > 0 {
		rule = "(" + rule + ")"
	}
	return answer.FailKind(http.StatusForbidden, "PolicyNotAuthorized", "%s is disallowed by policy", rule)
}

// malformed refuses a request that Neutron doesn't understand.
func malformed(format string, args ...any) error {
	return answer.FailKind(http.StatusBadRequest, "HTTPBadRequest", format, args...)
}

// reference checks an attribute that has to be the id of something.
func reference(attribute, id string) error {
	if id == "" {
		return malformed("Failed to parse request. Required attribute '%s' not specified", attribute)
	}
	if uuid.Validate(id) != nil {
		return malformed("Invalid input for %s. Reason: '%s' is not a valid UUID.", attribute, id)
	}
	return nil
}

func overQuota(resource string) error {
	return answer.FailKind(http.StatusConflict, "OverQuota", "Quota exceeded for resources: ['%s'].", resource)
}

func portNotFound(id string) error {
	return answer.FailKind(http.StatusNotFound, "PortNotFound", "Port %s could not be found.", id)
}
