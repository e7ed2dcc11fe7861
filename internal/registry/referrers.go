package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// ReferrersTag is the tag of the index that lists what is attached to the manifest of that digest, at
// registries that don't keep such a list themselves.
func ReferrersTag(digest string) string { return strings.Replace(digest, ":", "-", 1) }

// Referrers are what is attached to the manifest that the image names by its digest. known is false
// where the registry keeps no list of that: then it is in ReferrersTag.
func (c *Client) Referrers(ctx context.Context, i Image) (all []Descriptor, known bool, err error) {
	h, err := c.at(i.Host)
	if err != nil || h.noReferrers.Load() {
		return nil, false, err
	}
	what := "what is attached to " + i.String()
	path := "/v2/" + i.Repository + "/referrers/" + i.Identifier
	for path != "" {
		r := request{
			method: http.MethodGet, path: path, header: http.Header{"Accept": {string(types.OCIImageIndex)}}, scope: pull(i), what: what,
			limit: maxJSON,
		}
		err := c.read(ctx, i.Host, r, func(resp *http.Response) error {
			var next []Descriptor
			if next, known, err = referrers(resp, what); err != nil || !known {
				return err
			}
			all = append(all, next...)
			u, err := c.lists.Next(resp)
			if err != nil {
				return fault.Wrap(fault.Internal, "", fmt.Errorf("%s: %w", what, err))
			}
			if path = ""; u != nil {
				path = u.RequestURI()
			}
			return nil
		})
		switch r, refused := errors.AsType[*Refused](err); {
		case refused && r.Status < 500 && r.Status != http.StatusTooManyRequests:
			// A registry that knows the request says what it misses.
			if r.Status == http.StatusNotFound && len(r.Codes) == 0 {
				h.noReferrers.Store(true)
			}
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case !known:
			return nil, false, nil
		case len(all) > maxNames:
			return nil, false, fault.New(fault.Internal, "", "%s: more than %d", what, maxNames)
		}
	}
	return all, true, nil
}

// referrers reads one page; known is false if it is something else.
func referrers(resp *http.Response, what string) (all []Descriptor, known bool, err error) {
	text, err := whole(resp)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", what, err)
	}
	var index struct {
		Manifests []Descriptor `json:"manifests"`
	}
	if !isIndex(mediaType(resp)) || json.Unmarshal(text, &index) != nil {
		return nil, false, nil //nolint:nilerr // something else, such as a page
	}
	for _, d := range index.Manifests {
		if _, err := newHash(d.Digest); err != nil {
			return nil, false, fmt.Errorf("%s: %w", what, err)
		}
	}
	return index.Manifests, true, nil
}

// Attach stores a manifest that has a subject, so that it is found from there: the registry lists it,
// or the index of ReferrersTag does. Calls for one repository must not overlap.
func (c *Client) Attach(ctx context.Context, i Image, m *Manifest) error {
	attached, err := c.putManifest(ctx, i.With(m.Digest), m)
	if err != nil || attached || m.Subject == nil {
		return err
	}
	subject := i.With(m.Subject.Digest)
	listed, known, err := c.Referrers(ctx, subject)
	if err != nil || known && slices.ContainsFunc(listed, func(d Descriptor) bool { return d.Digest == m.Digest }) {
		return err
	}
	index := subject.With(ReferrersTag(m.Subject.Digest))
	now, err := c.Manifest(ctx, index)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	next, err := AddReferrer(now, m)
	if err != nil || next == nil {
		return err
	}
	return c.PutManifest(ctx, index, next)
}

// AddReferrer is the index of a ReferrersTag with m added; nil if m is listed. now is nil for none.
func AddReferrer(now, m *Manifest) (*Manifest, error) {
	list := []Descriptor{}
	if now != nil {
		if !now.IsIndex() {
			return nil, fault.New(fault.Conflict, "", "%s lists nothing that could be attached: it is no index", now.Digest)
		}
		list = slices.Clone(now.Manifests)
	}
	if slices.ContainsFunc(list, func(d Descriptor) bool { return d.Digest == m.Digest }) {
		return nil, nil
	}
	d := m.Descriptor()
	d.Annotations = m.Annotations
	text, err := json.Marshal(struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []Descriptor `json:"manifests"`
	}{2, string(types.OCIImageIndex), append(list, d)})
	if err != nil {
		return nil, err
	}
	return ParseManifest(string(types.OCIImageIndex), text, "")
}
