package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// Web is the data at an address. The client is one with a transport of internal/outbound; header is sent
// along, and goes nowhere else.
func Web(client *http.Client, address string, header http.Header) Source {
	w := &web{client: client, address: address, header: header, name: Shown(address)}
	s := Source{Name: w.name, Open: w.open}
	if u, err := url.Parse(address); err == nil && len(header) == 0 && u.User == nil {
		s.URL = address
	}
	return s
}

type web struct {
	client        *http.Client
	address, name string
	header        http.Header

	// What the first answer said of the data.
	opened bool
	etag   string
	date   string
	size   int64
}

func (w *web) open(ctx context.Context, offset int64) (*Opened, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Usage, "", fmt.Errorf("%q is no address: %w", w.name, err))
	}
	maps.Copy(req.Header, w.header)
	req.Header.Set("Accept-Encoding", "identity") // a range of the data, not of its packed form
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := w.client.Do(req)
	if err != nil {
		return nil, Unreachable(w.name, err)
	}
	size, skip, err := w.answer(resp, offset)
	if err == nil && skip > 0 {
		if _, err = io.CopyN(io.Discard, resp.Body, skip); err != nil {
			err = Unreachable(w.name, err)
		}
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return &Opened{resp.Body, size}, nil
}

// answer checks what the server answered. skip is how many bytes it sends that were not asked for.
func (w *web) answer(resp *http.Response, offset int64) (size, skip int64, err error) {
	if err := Status(w.name, resp); err != nil {
		return 0, 0, err
	}
	size, skip = resp.ContentLength, offset
	if resp.StatusCode == http.StatusPartialContent {
		var from, to int64
		if n, _ := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &size); n < 2 || from != offset {
			return 0, 0, fault.New(fault.Unavailable, "", "%s was asked for the data from byte %d on and sent the range %q", w.name, offset,
				resp.Header.Get("Content-Range"))
		} else if n == 2 {
			size = -1
		}
		skip = 0
	}
	etag, date := resp.Header.Get("Etag"), resp.Header.Get("Last-Modified")
	if !w.opened {
		w.opened, w.etag, w.date, w.size = true, etag, date, size
	}
	if etag != w.etag || date != w.date || size != w.size {
		return 0, 0, fault.New(fault.Conflict, "run it again", "%s was replaced while it was downloaded", w.name)
	}
	return size, skip, nil
}

// Status is the error of a server's answer that isn't what was asked for.
func Status(what string, resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusOK, code == http.StatusPartialContent:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return fault.New(fault.NotFound, "", "%s: the server answers %s", what, resp.Status)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fault.New(fault.Forbidden, "", "%s: the server answers %s", what, resp.Status)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		return fault.New(fault.Unavailable, "", "%s: the server answers %s", what, resp.Status)
	default:
		return fault.New(fault.Conflict, "", "%s: the server answers %s", what, resp.Status)
	}
}

// Unreachable is the error of a request that got no answer, without the address, which may have secrets.
func Unreachable(what string, err error) error {
	if u, ok := err.(*url.Error); ok { //nolint:errorlint // the outermost one has the address
		err = u.Err
	}
	_, refused := errors.AsType[*outbound.Refused](err)
	_, moved := errors.AsType[*outbound.Moved](err)
	if refused || moved || errors.Is(err, outbound.ErrTooLarge) {
		return fault.New(fault.Forbidden, "", "%s: %w", what, err)
	}
	return fault.New(fault.Unavailable, "", "%s: %w", what, err)
}

// Shown is an address without its password and its query, which may be a signature.
func Shown(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		short, _, _ := strings.Cut(address, "?")
		return short
	}
	short := *u
	if short.RawQuery != "" {
		short.RawQuery = "…"
	}
	return short.Redacted()
}
