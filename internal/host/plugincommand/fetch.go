package plugincommand

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/host/discover"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

// The limits of what is fetched.
const (
	maxPlugin = 512 << 20
	maxIndex  = 1 << 20
)

// origin is where a plugin's file is.
type origin struct {
	name    string // of the plugin
	address string // a file's absolute path, or a URL
	sha256  string // that it must have; "" if any will do
}

var checksum = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isURL(text string) bool { return strings.Contains(text, "://") }

// shown is an address without what may be secret in a URL: a user's name and password, and the query.
func shown(address string) string {
	if !isURL(address) {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		scheme, _, _ := strings.Cut(address, "://")
		return scheme + "://…"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment = nil, "", false, ""
	return u.String()
}

// find finds out where the file is that the user names: by its path, its URL, or the plugin's name in an index.
func (w wanted) find(ctx context.Context) (o origin, err error) {
	sum := strings.TrimPrefix(strings.ToLower(w.sha256), "sha256:")
	switch {
	case sum != "" && !checksum.MatchString(sum):
		return o, fault.New(fault.Usage, "", "--sha256: %q is no checksum of 64 hexadecimal digits", w.sha256)
	case w.index != "":
		if o, err = fromIndex(ctx, w.index, w.file); err == nil && sum != "" && sum != o.sha256 {
			err = fault.New(fault.Conflict, "find out which one is right",
				"the index %s has another checksum for %s than --sha256", shown(w.index), w.file)
		}
		return o, err
	case isURL(w.file) && sum == "":
		return o, fault.New(fault.Usage, "take the checksum from where the plugin's author publishes it, not from the same server",
			"a plugin from a URL needs --sha256")
	case isURL(w.file):
		u, err := place(w.file)
		if err != nil {
			return o, err
		}
		name, err := pluginName(path.Base(u.Path))
		return origin{name, w.file, sum}, err
	}
	name, err := pluginName(filepath.Base(w.file))
	if err != nil {
		return o, err
	}
	file, err := filepath.Abs(w.file)
	return origin{name, file, sum}, err
}

func pluginName(file string) (string, error) {
	name, ok := strings.CutPrefix(file, discover.Prefix)
	if !ok || !discover.Name.MatchString(name) {
		return "", fault.New(fault.Usage, "rename it", "%s is not called imgctl-NAME", file)
	}
	return name, nil
}

// place is a URL that plugins may come from.
func place(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, fault.New(fault.Usage, "", "%q is no URL", shown(text))
	case u.Scheme == "https", u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()):
		return u, nil
	}
	return nil, fault.New(fault.Usage, "use https", "%s: plugins come over https only", shown(text))
}

// bring writes the file to a path, and makes sure that it is the one that is meant.
func (o origin) bring(ctx context.Context, to string) error {
	in, err := open(ctx, o.address, maxPlugin)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), io.LimitReader(in, maxPlugin+1))
	if err == nil && n > maxPlugin {
		err = fault.New(fault.Usage, "", "it has more than %d MiB, the most that a plugin may have", maxPlugin>>20)
	}
	if err := errors.Join(err, out.Close(), os.Chmod(to, 0o755)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); o.sha256 != "" && got != o.sha256 {
		return fault.New(fault.Forbidden, "don't use it unless you know why", "its checksum is sha256:%s, and not sha256:%s", got, o.sha256)
	}
	return nil
}

// open opens a file, or what a URL leads to.
func open(ctx context.Context, address string, most int64) (io.ReadCloser, error) {
	if !isURL(address) {
		// A pipe would keep imgctl waiting for whoever writes it, and a device has no end.
		if info, err := os.Stat(address); err == nil && !info.Mode().IsRegular() {
			return nil, fault.New(fault.Usage, "", "%s is no regular file", address)
		}
		f, err := os.Open(address)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.Wrap(fault.NotFound, "", err)
		}
		return f, err
	}
	u, err := place(address)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	// Stores redirect to where their files are; nothing secret is sent, and checksums tell what comes back.
	transport := outbound.New(outbound.Policy{MaxBody: most, Leave: true, Answer: time.Minute})
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		transport.Close()
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, as it is asked for
		}
		return nil, fault.Wrap(fault.Unavailable, "try again", err)
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		transport.Close()
		kind := fault.Unavailable
		if resp.StatusCode == http.StatusNotFound {
			kind = fault.NotFound
		}
		return nil, fault.New(kind, "", "%s answers %s", shown(address), resp.Status)
	}
	return fetched{resp.Body, transport}, nil
}

// fetched is an answer's body, with which its connection ends.
type fetched struct {
	io.ReadCloser
	transport *outbound.Transport
}

func (f fetched) Close() error {
	err := f.ReadCloser.Close()
	f.transport.Close()
	return err
}
