package watch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// maxProfile bounds a profile, in bytes. RabbitMQ refuses messages of more than 16 MiB unless it is configured.
const maxProfile = 15 << 20

// parallel is how many requests are under way at most.
const parallel = 32

// reader reads files and URLs.
type reader struct{ client *http.Client }

func newReader(ca *x509.CertPool) *reader {
	policy := outbound.Policy{
		Connections: parallel, Answer: time.Minute, Idle: 15 * time.Second, Total: 5 * time.Minute, Whole: true,
	}
	if ca != nil {
		policy.TLS = &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12}
	}
	return &reader{client: &http.Client{Transport: outbound.New(policy)}}
}

func (r *reader) close() { r.client.CloseIdleConnections() }

// version is what a server calls a state of a file.
type version struct {
	Tag      string `json:"etag,omitempty"`
	Modified string `json:"last_modified,omitempty"`
}

// read reads a file or URL of at most limit bytes; nil if it still has the version.
func (r *reader) read(ctx context.Context, location, accept string, limit int64, had version) ([]byte, version, error) {
	if !remote(location) {
		text, err := readFile(location, limit)
		return text, version{}, err
	}
	shown := profile.Shown(location)
	req, err := http.NewRequestWithContext(outbound.Limit(ctx, limit), http.MethodGet, location, nil)
	if err != nil {
		return nil, version{}, fault.New(fault.Usage, "", "reading %s: this is not a URL", shown)
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("Cache-Control", "no-cache") // an old profile beside a new index would be a lost change
	if had.Tag != "" {
		req.Header.Set("If-None-Match", had.Tag)
	}
	if had.Modified != "" {
		req.Header.Set("If-Modified-Since", had.Modified)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, version{}, failed(ctx, shown, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && had != (version{}):
		return nil, had, nil
	case resp.StatusCode != http.StatusOK:
		return nil, version{}, fault.New(statusKind(resp.StatusCode), "", "reading %s: the server answers %s", shown, resp.Status)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, version{}, failed(ctx, shown, err)
	}
	return text, version{Tag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified")}, nil
}

// failed is the error of a request without an answer that can be used.
func failed(ctx context.Context, shown string, err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // its text would have the URL again
	}
	kind := fault.Unavailable
	var page *outbound.NotJSON
	switch {
	case ctx.Err() != nil:
		kind = fault.Cancelled
	case errors.Is(err, outbound.ErrTooLarge), errors.As(err, &page):
		kind = fault.Usage
	}
	return fault.New(kind, "", "reading %s: %w", shown, err)
}

func statusKind(status int) fault.Kind {
	switch status {
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return fault.Forbidden
	}
	return fault.Unavailable
}

func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("this is not a file")
	}
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, foreignfile.Unreadable(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	switch {
	case err != nil:
		return nil, foreignfile.Unreadable(path, err)
	case int64(len(text)) > limit:
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", path, limit>>20)
	}
	return text, nil
}

func remote(location string) bool {
	return strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
}

// beside is where a profile is.
func beside(profiles, name string) (string, error) {
	if !remote(profiles) {
		return filepath.Join(profiles, name), nil
	}
	u, err := url.Parse(profiles)
	if err != nil {
		return "", fmt.Errorf("reading the address of the profiles: %w", errors.Unwrap(err))
	}
	return u.JoinPath(url.PathEscape(name)).String(), nil
}
