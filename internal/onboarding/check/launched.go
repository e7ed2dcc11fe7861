package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/names"
	"github.com/imgctl/packer-plugin-openstack/internal/outbound"
)

func sorted(all []string) []string { return slices.Sorted(slices.Values(all)) }

// keyPairs looks for the key pairs of the profile, which every user needs.
func keyPairs(_ context.Context, e *env) finding {
	if len(e.p.KeyPairs) == 0 {
		return pass("the profile names none")
	}
	var wrong, current []string
	for _, s := range e.sides() {
		if s.keys.err != nil {
			return unknown(s.keys.err)
		}
		for _, want := range e.p.KeyPairs {
			name, why := s.keyPair(want)
			if why != "" {
				wrong = append(wrong, fmt.Sprintf("project %q: %s", s.cloud.Project().Name, why))
			} else if !slices.Contains(current, name) {
				current = append(current, name)
			}
		}
	}
	if len(wrong) > 0 {
		return found(unmet, fault.Advise("add them to a layout, and launch it"), "%s", strings.Join(wrong, ", "))
	}
	return pass("%s", strings.Join(current, ", "))
}

// keyPair is the key pair that counts for a wanted one, which may have been rotated to a dated name, and what is wrong
// with it, "" if nothing is.
func (s *side) keyPair(want KeyPair) (name, why string) {
	var all []string
	for _, k := range s.keys.value {
		all = append(all, k.Name)
	}
	name = names.Newest(want.Name, all)
	if name == "" {
		return "", fmt.Sprintf("there is no key pair %s", want.Name)
	}
	k := s.keys.value[slices.Index(all, name)]
	if want.Fingerprint != "" && !strings.EqualFold(k.Fingerprint, want.Fingerprint) {
		return name, fmt.Sprintf("key pair %s has fingerprint %s, not %s", name, k.Fingerprint, want.Fingerprint)
	}
	return name, ""
}

// mirrorTime is how long the mirror's host may take.
const mirrorTime = 10 * time.Second

// mirrorHost asks for the mirror's page. A cloud that isn't launched has none, so that nobody is asked.
func mirrorHost(ctx context.Context, e *env) finding {
	name := names.Host(e.p.Mirror.Name, e.region, names.Provider(e.o.Test.Name()))
	if !e.o.Launched {
		return found(unmet, fault.Advise("start the mirror, and add its records to DNS"),
			"%s: not tried before the cloud is launched", name)
	}
	ctx, cancel := context.WithTimeout(ctx, mirrorTime)
	defer cancel()
	all, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil || len(all) == 0 {
		return found(unmet, fault.Advise("add A and AAAA records of the mirror to DNS"), "%s: %v", name, err)
	}
	status, err := ask(ctx, name)
	if err != nil || status != http.StatusOK {
		return found(unmet, fault.Advise("start the mirror's web server"), "%s (%s): %v", name, strings.Join(all, ", "),
			errors.Join(err, statusError(status)))
	}
	return pass("%s (%s)", name, strings.Join(all, ", "))
}

func statusError(status int) error {
	if status == 0 || status == http.StatusOK {
		return nil
	}
	return fmt.Errorf("it answers %d", status)
}

// ask asks a host for its first page, with TLS and then without.
func ask(ctx context.Context, name string) (status int, err error) {
	t := outbound.New(outbound.Policy{TLS: &tls.Config{MinVersion: tls.VersionTLS12}, MaxBody: 1 << 20, Leave: true, Answer: mirrorTime})
	defer t.Close()
	for _, scheme := range []string{"https", "http"} {
		req, e := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+name+"/", http.NoBody)
		if e != nil {
			return 0, e
		}
		resp, e := t.RoundTrip(req)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body) // its status counts
		resp.Body.Close()
		return resp.StatusCode, nil
	}
	return 0, err
}
