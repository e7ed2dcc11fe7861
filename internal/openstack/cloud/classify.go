package cloud

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound/repeat"
)

// Classify gives an error of gophercloud or of the network its kind, and turns a service's
// answer into its message and request id. Errors that have a kind already stay as they are.
func Classify(err error) error {
	var known *fault.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if e, ok := errors.AsType[*gophercloud.ErrUnableToReauthenticate](err); ok {
		return Classify(fmt.Errorf("renewing the token: %w", e.ErrReauth)) // it doesn't unwrap to that
	}
	said := plain(err)
	classified := &fault.Error{Kind: kindOf(err), Err: said}
	if a, ok := errors.AsType[answer](said); ok {
		classified.Service, classified.RequestIDs = a.message, a.requestIDs
	}
	if refused, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err); ok && classified.Kind == fault.Forbidden {
		classified.Advice = missingRole(refused.ResponseHeader.Get(rolesHeader))
	}
	return classified
}

// missingRole is what to do about a change that the user may not make for want of a role. A member
// is refused for other reasons.
func missingRole(roles string) fault.Advice {
	if roles == "" || slices.ContainsFunc(strings.Split(roles, ", "), func(r string) bool {
		return strings.EqualFold(r, "member") || strings.EqualFold(r, "_member_") || strings.EqualFold(r, "admin")
	}) {
		return fault.Advice{}
	}
	return fault.Advise("use credentials with a role that may make changes, usually member; these have %s", roles)
}

// OutcomeUnknown reports whether a request that failed with err may still have taken effect: there was no
// response, or an inconclusive one.
func OutcomeUnknown(err error) bool { return err != nil && Outcome(err) == change.Unclear }

// Outcome says whether a request that failed with err may have taken effect.
func Outcome(err error) change.Outcome {
	answer, answered := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	switch {
	case answered && answer.Actual >= http.StatusInternalServerError:
		return change.Unclear
	case answered && answer.Actual == http.StatusTooManyRequests:
		return change.Undone
	case answered:
		return change.Refused
	case repeat.NeverSent(err) && repeat.Retriable(err):
		return change.Undone
	case repeat.NeverSent(err):
		return change.Refused
	}
	_, moved := errors.AsType[*outbound.Moved](err)
	_, refused := errors.AsType[*outbound.Refused](err)
	if moved || refused {
		return change.Refused // a redirect changes nothing
	}
	return change.Unclear
}

func kindOf(err error) fault.Kind {
	if answer, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err); ok {
		return statusKind(answer.Actual, string(answer.Body))
	}
	_, refused := errors.AsType[*outbound.Refused](err)
	_, moved := errors.AsType[*outbound.Moved](err)
	_, other := errors.AsType[*outbound.NotJSON](err)
	switch {
	case refused, moved:
		return fault.Forbidden
	case other:
		return fault.Unavailable
	case errors.Is(err, context.Canceled):
		return fault.Cancelled
	case isNetwork(err):
		return fault.Unavailable
	}
	return fault.Internal
}

func statusKind(status int, body string) fault.Kind {
	quota := strings.Contains(strings.ToLower(body), "quota")
	switch {
	case status == http.StatusRequestEntityTooLarge, quota && (status == http.StatusForbidden || status == http.StatusConflict):
		return fault.Quota
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault.Forbidden
	case status == http.StatusNotFound, status == http.StatusGone:
		return fault.NotFound
	case status == http.StatusConflict:
		return fault.Conflict
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return fault.Unavailable
	}
	return fault.Internal
}

func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, outbound.ErrCut) || errors.Is(err, outbound.ErrTooSlow) ||
		errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EPIPE)
}

// answer is a service's refusal, with the service's message.
type answer struct {
	error
	text       string
	message    string
	requestIDs []string
}

func (a answer) Error() string { return a.text }
func (a answer) Unwrap() error { return a.error }

// plain replaces gophercloud's wording of an unexpected status by the service's message.
func plain(err error) error {
	var status gophercloud.ErrUnexpectedResponseCode
	if !errors.As(err, &status) {
		return notUnderstood(err)
	}
	said := answer{error: err, text: fmt.Sprintf("%d %s", status.Actual, http.StatusText(status.Actual)), message: message(status.Body)}
	if said.message != "" && said.message != http.StatusText(status.Actual) {
		said.text += ": " + said.message
	}
	for _, header := range []string{"X-Openstack-Request-Id", "X-Compute-Request-Id", "Openstack-Request-Id"} {
		if id := status.ResponseHeader.Get(header); id != "" {
			said.text += " (" + id + ")"
			said.requestIDs = []string{id}
			break
		}
	}
	return said
}

// notUnderstood replaces decoders' messages, which are about Go types, for an unexpected response.
func notUnderstood(err error) error {
	if other, ok := errors.AsType[*outbound.NotJSON](err); ok {
		said := answer{error: err, text: other.Error(), message: message(other.Body)}
		if said.message != "" {
			said.text += ": " + said.message
		}
		return said
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return answer{error: err, text: fmt.Sprintf("the service's answer isn't what its API says: %s stands where something else "+
			"belongs (%s)",
			wrong.Value, cmp.Or(wrong.Field, "at its top"))}
	}
	if broken, ok := errors.AsType[*json.SyntaxError](err); ok {
		return answer{error: err, text: fmt.Sprintf("the service's answer is broken JSON, from byte %d on", broken.Offset)}
	}
	return err
}

var (
	tags       = regexp.MustCompile(`(?s)<head>.*?</head>|<h1>.*?</h1>|<[^>]*>`)
	whitespace = regexp.MustCompile(`\s+`)
)

// message finds the message in an error's body: Keystone, Nova, Cinder and Neutron wrap it in an object,
// each under another name; Glance answers HTML, or puts HTML line breaks into an object.
func message(body []byte) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil {
		return jsonMessage(object)
	}
	text := html.UnescapeString(tags.ReplaceAllString(string(body), " "))
	text = strings.TrimSpace(whitespace.ReplaceAllString(text, " "))
	return text[:min(len(text), 500)]
}

func jsonMessage(object map[string]json.RawMessage) string {
	for _, key := range []string{"message", "detail", "faultstring", "description", "error_message"} {
		var text string
		if json.Unmarshal(object[key], &text) == nil && text != "" && !strings.HasPrefix(text, "{") {
			return strings.TrimSpace(whitespace.ReplaceAllString(strings.ReplaceAll(text, "<br />", " "), " "))
		}
	}
	for _, inner := range object {
		var o map[string]json.RawMessage
		if json.Unmarshal(inner, &o) == nil {
			if text := jsonMessage(o); text != "" {
				return text
			}
		}
		var text string
		if len(object) == 1 && json.Unmarshal(inner, &text) == nil {
			var nested map[string]json.RawMessage
			if json.Unmarshal([]byte(text), &nested) == nil { // Ironic's is JSON in a string
				return cmp.Or(jsonMessage(nested), text)
			}
			return text
		}
	}
	return ""
}
