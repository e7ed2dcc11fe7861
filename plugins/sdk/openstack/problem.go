package openstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk"
)

// kinds are what a service's status means.
var kinds = map[int]sdk.ProblemKind{
	http.StatusUnauthorized:          sdk.Forbidden,
	http.StatusForbidden:             sdk.Forbidden,
	http.StatusNotFound:              sdk.NotFound,
	http.StatusConflict:              sdk.Conflict,
	http.StatusRequestEntityTooLarge: sdk.Quota,
	http.StatusTooManyRequests:       sdk.Unavailable,
	http.StatusBadGateway:            sdk.Unavailable,
	http.StatusServiceUnavailable:    sdk.Unavailable,
	http.StatusGatewayTimeout:        sdk.Unavailable,
}

// Problem is gophercloud's error as an sdk.Problem: with its kind, what the service said, and the
// request's id. Errors that aren't gophercloud's stay as they are, and nil stays nil.
func Problem(err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*sdk.Problem](err); known {
		return err
	}
	if _, missing := errors.AsType[*gophercloud.ErrEndpointNotFound](err); missing {
		return &sdk.Problem{Kind: sdk.Unavailable, Err: err, Hint: "check region and interface in clouds.yaml"}
	}
	if p := foreign(err); p != nil {
		return p
	}
	refused, ok := errors.AsType[gophercloud.ErrUnexpectedResponseCode](err)
	if !ok {
		return err
	}
	kind, ok := kinds[refused.Actual]
	if !ok {
		kind = sdk.Internal
	}
	p := &sdk.Problem{
		Kind: kind, Retryable: kind == sdk.Unavailable,
		Err: fmt.Errorf("%s %s: %d %s", refused.Method, refused.URL, refused.Actual, said(refused.Body)),
	}
	if id := refused.ResponseHeader.Get("X-Openstack-Request-Id"); id != "" {
		p.RequestIDs = []string{id}
	}
	return p
}

// foreign is an answer or an address that wasn't taken.
func foreign(err error) error {
	_, refused := errors.AsType[*outbound.Refused](err)
	_, moved := errors.AsType[*outbound.Moved](err)
	_, other := errors.AsType[*outbound.NotJSON](err)
	switch {
	case refused, moved:
		return &sdk.Problem{Kind: sdk.Forbidden, Err: err}
	case other, errors.Is(err, outbound.ErrTooSlow), errors.Is(err, outbound.ErrCut):
		return &sdk.Problem{Kind: sdk.Unavailable, Retryable: true, Err: err}
	}
	return nil
}

// tags are those of HTML, with the content of those that nobody reads.
var tags = regexp.MustCompile(`(?is)<(head|h1|style|script)\b.*?</(head|h1|style|script)>|<[^<>]*>`)

// said is the message in a service's answer: JSON with a message somewhere inside, or text, without HTML's tags, which
// proxies and Glance send.
func said(body []byte) string {
	var parsed any
	if json.Unmarshal(body, &parsed) == nil {
		if text := message(parsed); text != "" {
			return strings.Join(strings.Fields(strings.ReplaceAll(text, "<br />", " ")), " ")
		}
	}
	text := strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(string(body), " "))), " ")
	return text[:min(len(text), 200)]
}

func message(v any) string {
	object, _ := v.(map[string]any)
	for _, key := range []string{"message", "faultstring", "detail"} {
		if text, ok := object[key].(string); ok && text != "" {
			return text
		}
	}
	for _, inner := range object {
		if text := message(inner); text != "" {
			return text
		}
	}
	return ""
}
