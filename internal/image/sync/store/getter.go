package store

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/upload"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

const (
	maxText   = 32 << 20 // bytes of a manifest, list or catalogue
	maxFields = 1 << 20  // of one image's manifest
)

// Getter reads from web servers.
type Getter struct {
	texts *http.Client
	data  *http.Client
}

// NewGetter makes a Getter.
func NewGetter() *Getter {
	return &Getter{
		texts: &http.Client{Transport: outbound.New(outbound.Policy{
			MaxBody: maxText, Answer: 30 * time.Second, Idle: 20 * time.Second, Total: 2 * time.Minute, Leave: true, Parallel: 16,
		})},
		data: &http.Client{Transport: outbound.New(outbound.Policy{MaxBody: -1, Answer: time.Minute, Leave: true})},
	}
}

// Web is the data at an address.
func (g *Getter) Web(address string) upload.Source { return upload.Web(g.data, address, nil) }

// get reads a text of at most so many bytes.
func (g *Getter) get(ctx context.Context, address string, most int64) (text []byte, err error) {
	err = g.ask(outbound.Limit(ctx, most), http.MethodGet, address, func(resp *http.Response) (err error) {
		text, err = io.ReadAll(resp.Body)
		return err
	})
	return text, err
}

// head reads what a server says about an object.
func (g *Getter) head(ctx context.Context, address string) (header http.Header, size int64, err error) {
	err = g.ask(ctx, http.MethodHead, address, func(resp *http.Response) error {
		header, size = resp.Header, resp.ContentLength
		return nil
	})
	return header, size, err
}

func (g *Getter) ask(ctx context.Context, method, address string, take func(*http.Response) error) error {
	if u, err := url.Parse(address); err != nil || outbound.Origin(u) == "" {
		return fault.New(fault.Usage, "", "%q is no http or https address", address)
	}
	for try := 1; ; try++ {
		err := g.once(ctx, method, address, take)
		if err == nil || try == change.DefaultRetry.Tries || !fault.Is(err, fault.Unavailable) || errors.Is(err, outbound.ErrTooSlow) {
			return err
		}
		if !change.Sleep(ctx, change.DefaultRetry.Pause(try)) {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func (g *Getter) once(ctx context.Context, method, address string, take func(*http.Response) error) error {
	what := upload.Shown(address)
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return fault.New(fault.Usage, "", "%s is no address", what)
	}
	resp, err := g.texts.Do(req)
	if err != nil {
		return upload.Unreachable(what, err)
	}
	defer resp.Body.Close()
	if err := upload.Status(what, resp); err != nil {
		return err
	}
	if err := take(resp); err != nil {
		return upload.Unreachable(what, err)
	}
	return nil
}

// object reads a JSON object.
func (g *Getter) object(ctx context.Context, address string, most int64, into any) error {
	text, err := g.get(ctx, address, most)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fault.New(fault.Forbidden, "", "%s is not the JSON that is expected there: %w", upload.Shown(address), err)
	}
	return nil
}

// join puts path segments behind an address.
func join(base string, segments ...string) string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(base, "/"))
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// scalars are the values of a JSON object as texts; one that is neither a text, a number nor a boolean is
// an error.
func scalars(fields map[string]any) (map[string]string, error) {
	texts := map[string]string{}
	for k, v := range fields {
		switch v := v.(type) {
		case nil:
		case string:
			texts[k] = v
		case bool:
			texts[k] = strconv.FormatBool(v)
		case json.Number:
			texts[k] = v.String()
		default:
			return nil, fault.New(fault.Forbidden, "", "its property %q is no text", k)
		}
	}
	return texts, nil
}
