package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// Image names what is asked for: a repository at a host, and a tag or digest.
type Image struct{ Host, Repository, Identifier string }

// String is HOST/REPOSITORY:TAG or HOST/REPOSITORY@DIGEST.
func (i Image) String() string {
	if strings.Contains(i.Identifier, ":") {
		return i.Host + "/" + i.Repository + "@" + i.Identifier
	}
	return i.Host + "/" + i.Repository + ":" + i.Identifier
}

// With is another tag or digest of the same repository.
func (i Image) With(identifier string) Image {
	i.Identifier = identifier
	return i
}

// Manifest is an image's manifest or an index of several, and its very bytes.
type Manifest struct {
	MediaType, Digest string
	Bytes             []byte

	Config    Descriptor   // of an image
	Layers    []Descriptor // of an image
	Manifests []Descriptor // of an index
	Subject   *Descriptor  // what it is attached to, such as the image of a signature

	ArtifactType string
	Annotations  map[string]string
}

// Descriptor describes the manifest, as an index lists it.
func (m *Manifest) Descriptor() Descriptor {
	d := Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes)), ArtifactType: m.ArtifactType}
	if d.ArtifactType == "" && m.Subject != nil {
		d.ArtifactType = m.Config.MediaType
	}
	return d
}

// accepted are the manifests that we can copy.
var accepted = []types.MediaType{
	types.OCIManifestSchema1, types.OCIImageIndex, types.DockerManifestSchema2, types.DockerManifestList,
}

// IsIndex reports whether the manifest lists others.
func (m *Manifest) IsIndex() bool { return isIndex(m.MediaType) }

func isIndex(mediaType string) bool { return types.MediaType(mediaType).IsIndex() }

// Head asks which manifest the image has now. found is false if it has none.
func (c *Client) Head(ctx context.Context, i Image) (d Descriptor, found bool, err error) {
	err = c.read(ctx, i.Host, request{
		method: http.MethodHead, path: manifestPath(i), header: acceptHeader(), scope: pull(i), what: "manifest of " + i.String(),
	}, func(resp *http.Response) error {
		d = Descriptor{MediaType: mediaType(resp), Digest: resp.Header.Get("Docker-Content-Digest"), Size: resp.ContentLength}
		return nil
	})
	switch {
	case fault.Is(err, fault.NotFound):
		return d, false, nil
	case err != nil:
		return d, false, err
	case d.Digest != "" && isManifest(d.MediaType):
		return d, true, nil
	}
	// A registry that doesn't say enough in its head says it with the manifest.
	m, err := c.Manifest(ctx, i)
	if fault.Is(err, fault.NotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	return Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: int64(len(m.Bytes))}, true, nil
}

// Manifest fetches the image's manifest. Its digest is checked.
func (c *Client) Manifest(ctx context.Context, i Image) (*Manifest, error) {
	var m *Manifest
	what := "manifest of " + i.String()
	err := c.read(ctx, i.Host, request{
		method: http.MethodGet, path: manifestPath(i), header: acceptHeader(), scope: pull(i), what: what, limit: maxManifest,
	}, func(resp *http.Response) error {
		media := mediaType(resp)
		if !isManifest(media) && media != "application/json" {
			return fmt.Errorf("%s: registry %s answered with %q, not with a manifest", what, i.Host, media)
		}
		text, err := whole(resp)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		m, err = ParseManifest(media, text, i.Identifier)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if says := resp.Header.Get("Docker-Content-Digest"); says != "" && says != m.Digest && strings.HasPrefix(says, "sha256:") {
			return fmt.Errorf("%s: the registry says %s, but sent %s", what, says, m.Digest)
		}
		return nil
	})
	return m, err
}

// ParseManifest reads a manifest of the media type; "" is the one that it names itself. identifier is
// checked where it is a digest.
func ParseManifest(media string, text []byte, identifier string) (*Manifest, error) {
	var body struct {
		SchemaVersion int          `json:"schemaVersion"`
		Config        Descriptor   `json:"config"`
		Layers        []Descriptor `json:"layers"`
		Manifests     []Descriptor `json:"manifests"`
		Subject       *Descriptor  `json:"subject"`

		ArtifactType string            `json:"artifactType"`
		Annotations  map[string]string `json:"annotations"`
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if media == "application/json" || media == "" {
		media = MediaType(text)
	}
	if body.SchemaVersion != 2 || !isManifest(media) {
		return nil, fault.New(fault.Usage, "", "a manifest of schema %d, type %q, can't be copied", body.SchemaVersion, media)
	}
	m := &Manifest{
		MediaType: media, Bytes: text, Config: body.Config, Layers: body.Layers, Manifests: body.Manifests,
		Subject: body.Subject, ArtifactType: body.ArtifactType, Annotations: body.Annotations,
	}
	algorithm, _, isDigest := strings.Cut(identifier, ":")
	if !isDigest {
		algorithm = "sha256"
	}
	var err error
	if m.Digest, err = digestOf(algorithm, text); err != nil {
		return nil, err
	}
	if isDigest && m.Digest != identifier {
		return nil, fmt.Errorf("corrupt: its digest is %s", m.Digest)
	}
	for _, d := range m.Refers() {
		if _, err := newHash(d.Digest); err != nil {
			return nil, err
		}
		if d.Size < 0 || d.Size > maxBlob {
			return nil, fmt.Errorf("%s has a size of %d", d.Digest, d.Size)
		}
	}
	return m, nil
}

// MediaType is what a manifest says of itself; without that, what its parts make it.
func MediaType(text []byte) string {
	var m struct {
		MediaType string            `json:"mediaType"`
		Manifests []json.RawMessage `json:"manifests"`
		Config    struct {
			MediaType string `json:"mediaType"`
		} `json:"config"`
	}
	switch err := json.Unmarshal(text, &m); {
	case err != nil:
		return "application/octet-stream"
	case m.MediaType != "":
		return m.MediaType
	case m.Manifests != nil:
		return string(types.OCIImageIndex)
	case m.Config.MediaType == string(types.DockerConfigJSON):
		return string(types.DockerManifestSchema2)
	}
	return string(types.OCIManifestSchema1)
}

// Refers are what the manifest needs: config and layers, or the manifests of an index.
func (m *Manifest) Refers() []Descriptor {
	if m.IsIndex() {
		return m.Manifests
	}
	return append([]Descriptor{m.Config}, m.Layers...)
}

// PutManifest stores the manifest's bytes under the image's tag or digest.
func (c *Client) PutManifest(ctx context.Context, i Image, m *Manifest) error {
	_, err := c.putManifest(ctx, i, m)
	return err
}

// putManifest is PutManifest, and tells whether the registry keeps what the manifest is attached to.
func (c *Client) putManifest(ctx context.Context, i Image, m *Manifest) (attached bool, err error) {
	what := "storing the manifest of " + i.String()
	err = c.write(ctx, i.Host, request{
		method: http.MethodPut, path: manifestPath(i), scope: push(i), what: what, size: int64(len(m.Bytes)),
		header: http.Header{"Content-Type": {m.MediaType}},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Bytes)), nil },
	}, func(resp *http.Response) error {
		if says := resp.Header.Get("Docker-Content-Digest"); says != "" && says != m.Digest && strings.HasPrefix(says, "sha256:") {
			return fmt.Errorf("%s: the registry stored %s instead of %s", what, says, m.Digest)
		}
		attached = m.Subject != nil && resp.Header.Get("Oci-Subject") == m.Subject.Digest
		return nil
	}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	return attached, err
}

// Delete removes the manifest of that digest, with all its tags.
func (c *Client) Delete(ctx context.Context, i Image) error {
	err := c.write(ctx, i.Host, request{
		method: http.MethodDelete, path: manifestPath(i), scope: scope{repository: i.Repository, actions: "delete"},
		what: "deleting " + i.String(),
	}, nil, http.StatusAccepted, http.StatusOK, http.StatusNoContent)
	return err
}

// read asks the registry's mirrors, where it has some, and then itself.
func (c *Client) read(ctx context.Context, name string, r request, take func(*http.Response) error) error {
	hosts, err := c.sources(name)
	if err != nil {
		return err
	}
	var failed []error
	for _, h := range hosts {
		resp, err := c.do(ctx, h, r, http.StatusOK)
		if err == nil {
			err = take(resp)
			drain(resp)
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	if len(failed) > 1 {
		return fault.Wrap(fault.KindOf(failed[len(failed)-1]), "", errors.Join(failed...))
	}
	return failed[0]
}

func (c *Client) write(ctx context.Context, name string, r request, take func(*http.Response) error, ok ...int) error {
	h, err := c.at(name)
	if err != nil {
		return err
	}
	resp, err := c.do(ctx, h, r, ok...)
	if err != nil {
		return err
	}
	defer drain(resp)
	if take == nil {
		return nil
	}
	return take(resp)
}

func manifestPath(i Image) string { return "/v2/" + i.Repository + "/manifests/" + i.Identifier }

func pull(i Image) scope { return scope{repository: i.Repository, actions: "pull"} }

func push(i Image) scope { return scope{repository: i.Repository, actions: "pull,push"} }

func acceptHeader() http.Header {
	h := http.Header{}
	for _, a := range accepted {
		h.Add("Accept", string(a))
	}
	return h
}

func mediaType(resp *http.Response) string {
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return strings.TrimSpace(media)
}

func isManifest(media string) bool { return slices.Contains(accepted, types.MediaType(media)) }

// whole reads an answer, which the request has limited.
func whole(resp *http.Response) ([]byte, error) {
	text, err := io.ReadAll(resp.Body)
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return nil, fault.Wrap(fault.Usage, "", err)
	case err != nil:
		return nil, fault.Wrap(fault.Unavailable, "", err)
	}
	return text, nil
}
