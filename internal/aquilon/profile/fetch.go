package profile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// Limits of what is read from a file or a server.
const (
	MaxSize     = 32 << 20 // bytes
	ReadTimeout = time.Minute
)

// Read reads a file or an http or https URL. It fails on more than MaxSize bytes, after ReadTimeout, and
// on any status but 200.
func Read(ctx context.Context, location string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ReadTimeout)
	defer cancel()
	if remote(location) {
		return download(ctx, location)
	}
	f, err := os.Open(location)
	if err != nil {
		return nil, fault.Wrap(fileKind(err), "", fmt.Errorf("reading %s: %w", location, cause(err)))
	}
	defer f.Close()
	return bounded(f, location)
}

// LoadProfile reads and parses the profile at a path or URL.
func LoadProfile(ctx context.Context, location string) (*Profile, error) {
	return load(ctx, location, ParseProfile)
}

// LoadTemplateMap reads and parses the template map at a path or URL.
func LoadTemplateMap(ctx context.Context, location string) (*TemplateMap, error) {
	return load(ctx, location, ParseTemplateMap)
}

// LoadSourceImages reads and parses the source images at a path or URL.
func LoadSourceImages(ctx context.Context, location string) (*SourceImages, error) {
	return load(ctx, location, ParseSourceImages)
}

func load[T any](ctx context.Context, location string, parse func(string, []byte) (*T, error)) (*T, error) {
	text, err := Read(ctx, location)
	if err != nil {
		return nil, err
	}
	return parse(Shown(location), text)
}

// Shown is a path or URL without its password.
func Shown(location string) string {
	if u, err := url.Parse(location); remote(location) && err == nil {
		return u.Redacted()
	}
	return location
}

// remote reports whether the location is a URL.
func remote(location string) bool {
	return strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
}

// servers is the transport for profiles. Redirects may lead to other servers, which get no credentials.
var servers = &http.Client{Transport: outbound.New(outbound.Policy{
	MaxBody: MaxSize, Answer: ReadTimeout, Idle: ReadTimeout / 4,
	Leave: true,
})}

func download(ctx context.Context, location string) ([]byte, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "reading the URL of a profile or map: %w", errors.Unwrap(err))
	}
	shown := u.Redacted()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fault.New(fault.Usage, "", "reading %s: this is not a URL", shown)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := servers.Do(req)
	if err != nil {
		return nil, fault.New(outage(err), "", "reading %s: %w", shown, cause(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fault.New(statusKind(resp.StatusCode), "", "reading %s: the server answers %s", shown, resp.Status)
	}
	return bounded(resp.Body, shown)
}

func bounded(r io.Reader, shown string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case errors.Is(err, outbound.ErrTooLarge):
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", shown, MaxSize>>20)
	case err != nil:
		return nil, fault.New(outage(err), "", "reading %s: %w", shown, cause(err))
	case len(text) > MaxSize:
		return nil, fault.New(fault.Usage, "", "reading %s: it is larger than %d MiB", shown, MaxSize>>20)
	}
	return text, nil
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

// outage is the kind of a request that got no answer.
func outage(err error) fault.Kind {
	if errors.Is(err, context.Canceled) {
		return fault.Cancelled
	}
	return fault.Unavailable
}

func fileKind(err error) fault.Kind {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	case errors.Is(err, fs.ErrPermission):
		return fault.Forbidden
	}
	return fault.Internal
}

// cause strips the path or URL from an error, because the message already has it.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}
