package check

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
)

// Entries of clouds.yaml, as remedies name them.
const (
	caCertEntry = "cacert"
	verifyEntry = "verify: false"
)

// keystoneTLS asks Keystone for its versions, and looks at the certificate of the connection.
func keystoneTLS(ctx context.Context, e *env) finding {
	c := e.test.cloud
	address := strings.TrimSuffix(c.IdentityURL(), "/")
	if !strings.HasPrefix(address, "https:") {
		return found(unmet, fault.Advise("serve Keystone over TLS, and use its https address"),
			"%s has no TLS: anybody on the way can read the password", address)
	}
	verified, own := c.Verified()
	if !verified {
		return found(unmet, fault.Advise("name the authority's file in %q of clouds.yaml, and remove %q there", caCertEntry, verifyEntry),
			"the certificate of %s isn't verified, as the entry says", address)
	}
	sc := c.Identity()
	resp, err := sc.Get(ctx, sc.Endpoint, nil, &gophercloud.RequestOpts{
		OkCodes: []int{http.StatusOK, http.StatusMultipleChoices}, KeepResponseBody: true,
	})
	if err != nil {
		return certificateFailure(address, err)
	}
	resp.Body.Close()
	if resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0 {
		return unknown(fmt.Errorf("the connection to %s doesn't tell its certificate", address))
	}
	return certificate(resp.TLS.PeerCertificates[0], address, own, c.Now(), e.p.API.Certificate)
}

// certificate judges a certificate that was verified.
func certificate(cert *x509.Certificate, address string, own bool, now time.Time, least time.Duration) finding {
	by := "the system's authorities"
	if own {
		by = "the entry's " + caCertEntry
	}
	kind := "issued by " + cmp.Or(cert.Issuer.CommonName, cert.Issuer.String())
	if cert.CheckSignatureFrom(cert) == nil || cert.Issuer.String() == cert.Subject.String() {
		kind = "self-signed"
	}
	until := cert.NotAfter.UTC().Format(time.DateOnly)
	text := fmt.Sprintf("%s: certificate %s, verified with %s, valid until %s", address, kind, by, until)
	if left := cert.NotAfter.Sub(now); left < least {
		return found(barely, fault.Advise("renew the certificate, and automate the renewal"), "%s: only %d days more", text,
			int(left.Hours()/24))
	}
	return pass("%s", text)
}

// SignIn is the report of a cloud that nobody can sign in to, for the reason err, so that nothing else can be
// checked. ok is false if err is about something else than the cloud.
func SignIn(o Options, name string, at time.Time, err error) (*Report, bool) {
	var f finding
	switch kind := fault.KindOf(err); {
	case aboutCertificate(err), kind == fault.Unavailable, kind == fault.Forbidden:
		f = certificateFailure("", err)
	default:
		return nil, false
	}
	r := &Report{Profile: o.Profile, Cloud: name, At: at, Strict: o.Strict, Spelling: o.Spelling}
	for _, k := range catalogue {
		severity := k.of(o.Profile)
		if severity == Off {
			continue
		}
		g := f
		if k.id != "K1" {
			g = found(skipped, fault.Advice{}, "nobody can sign in")
		}
		r.Results = append(r.Results, Result{
			ID: k.id, Title: k.title, Cloud: name, Severity: severity, Status: severity.status(g.verdict), Evidence: g.evidence,
			Remedy: g.remedy,
		})
	}
	return r, true
}

// aboutCertificate reports whether a certificate couldn't be verified. An error that has come through another
// process has only its text.
func aboutCertificate(err error) bool {
	_, is := errors.AsType[*tls.CertificateVerificationError](err)
	return is || strings.Contains(err.Error(), "x509: ") || strings.Contains(err.Error(), "tls: ")
}

func certificateFailure(address string, err error) finding {
	text := plain(err)
	if address != "" {
		text = address + ": " + text
	}
	switch kind := fault.KindOf(cloud.Classify(err)); {
	case aboutCertificate(err):
		return found(unmet, fault.Advise("use a certificate from a public authority, or name the authority's file in %q of "+
			"clouds.yaml", caCertEntry), "%s", text)
	case kind == fault.Forbidden:
		return found(unmet, fault.Advise("correct the credentials in clouds.yaml"), "%s", text)
	}
	return found(unmet, fault.Advise("make Keystone reachable from here, and check its address in clouds.yaml"), "%s", text)
}

// separate compares the two projects.
func separate(_ context.Context, e *env) finding {
	a, b := e.test.cloud, e.control.cloud
	switch {
	case a.Project().ID == "" || b.Project().ID == "":
		return found(unmet, fault.Advise("name a project in each entry of clouds.yaml"), "an entry has no project")
	case a.Project().ID == b.Project().ID && a.UserID() == b.UserID():
		return found(unmet, fault.Advise("create a second project with a user of its own"), "both are project %q and its one user %s",
			a.Project().Name, a.UserID())
	case a.Project().ID == b.Project().ID:
		return found(unmet, fault.Advise("create a second project"), "both are project %q (%s)", a.Project().Name, a.Project().ID)
	case a.UserID() == b.UserID():
		return found(unmet, fault.Advise("create a second user, so that whoever breaks into a test node can't reach the mirror"),
			"both projects have the user %s", a.UserID())
	}
	return pass("projects %q and %q, each with its user", a.Project().Name, b.Project().Name)
}

func notAdmin(_ context.Context, e *env) finding {
	var admins, roles []string
	for _, s := range e.sides() {
		if s.cloud.IsAdmin() {
			admins = append(admins, s.cloud.Project().Name)
		}
		roles = append(roles, s.cloud.Project().Name+": "+strings.Join(s.cloud.Roles(), " "))
	}
	if len(admins) > 0 {
		return found(unmet, fault.Advise("give the user the role member instead, if the cloud allows it"),
			"the user has the role admin in %s", strings.Join(admins, " and "))
	}
	return pass("roles in %s", strings.Join(roles, ", "))
}

// needed are the services that CI can't do without.
var needed = []string{"compute", "image", "network"}

// services looks for the services' public addresses in the region.
func services(_ context.Context, e *env) finding {
	c := e.test.cloud
	if e.region != "" && !slices.Contains(c.Regions(), e.region) {
		return found(unmet, fault.Advise("correct the region in clouds.yaml"), "the catalog has no region %q, only %s", e.region,
			strings.Join(c.Regions(), ", "))
	}
	public := map[string]string{}
	for _, p := range c.Endpoints() {
		if p.Region == e.region && p.Interface == "public" && !strings.HasPrefix(public[p.Service], "https:") {
			public[p.Service] = p.URL
		}
	}
	var missing, plain []string
	for _, s := range append(slices.Clone(needed), "block-storage") {
		switch address, ok := public[s]; {
		case !ok && slices.Contains(needed, s):
			missing = append(missing, s)
		case ok && !strings.HasPrefix(address, "https:"):
			plain = append(plain, s+" at "+address)
		}
	}
	switch {
	case len(missing) > 0:
		return found(unmet, fault.Advise("add public endpoints to the catalog"), "the catalog has no public endpoint in region %q of: %s",
			e.region, strings.Join(missing, ", "))
	case len(plain) > 0:
		return found(unmet, fault.Advise("serve them over TLS, and put their https addresses in the catalog"), "no TLS: %s",
			strings.Join(plain, ", "))
	}
	text := "compute, image, network"
	if _, ok := public["block-storage"]; ok {
		return pass("%s and block storage", text)
	}
	return pass("%s; there is no block storage", text)
}
