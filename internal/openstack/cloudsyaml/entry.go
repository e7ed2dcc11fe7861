package cloudsyaml

import (
	"fmt"
	"slices"
	"strings"
)

// Entry is one cloud with everything merged: profile, clouds.yaml, secure.yaml, region.
type Entry struct {
	Name   string
	Region string // "" is the first one of the catalog

	// AuthType is keystoneauth's name of the way to sign in, "" if the entry doesn't say.
	AuthType string

	// Auth is what goes into signing in, by keystoneauth's names, such as auth_url or project_name.
	Auth map[string]string

	values  tree
	profile string // of a vendor that isn't known
}

// signIn are the options of keystoneauth's ways to sign in. They may stand beside `auth` as well,
// which is where the variables put them. The first name is the one that counts.
var signIn = [][]string{
	{"auth_url"},
	{"username", "user_name"},
	{"user_id"},
	{"password"},
	{"passcode"},
	{"token", "auth_token"},
	{"project_id", "tenant_id"},
	{"project_name", "tenant_name"},
	{"project_domain_id"},
	{"project_domain_name"},
	{"user_domain_id"},
	{"user_domain_name"},
	{"domain_id"},
	{"domain_name"},
	{"default_domain_id"},
	{"default_domain_name", "default_domain"},
	{"trust_id"},
	{"system_scope"},
	{"application_credential_id"},
	{"application_credential_name"},
	{"application_credential_secret"},
}

// resolve merges what the entry is made of.
func (c *Config) resolve(name string, own tree, wanted string) (*Entry, error) {
	profile, vendor := c.profile(own)
	region, values, err := chooseRegion(own, vendor, wanted)
	if err != nil {
		return nil, fmt.Errorf("cloud %q: %w", name, err)
	}
	all, err := layered(vendor, own, values)
	if err != nil {
		return nil, fmt.Errorf("cloud %q: %w", name, err)
	}
	if region != "" {
		all["region_name"] = region
	}
	e := &Entry{Name: name, Region: region, values: all, Auth: map[string]string{}}
	if profile != "" && len(vendor) == 0 {
		e.profile = profile
	}
	e.modernize()
	e.collectAuth()
	if err := e.fillIn(); err != nil {
		return nil, fmt.Errorf("cloud %q: %w", name, err)
	}
	return e, nil
}

// layered lays the mappings over one another. Of the keys in them only auth is merged.
func layered(layers ...tree) (tree, error) {
	all := tree{"auth": tree{}}
	for n, layer := range layers {
		for key, value := range layer {
			if key != "auth" {
				if value != nil || n < 2 { // a region's null says nothing
					all[key] = value
				}
				continue
			}
			auth, ok := value.(tree)
			if !ok && value != nil {
				return nil, fmt.Errorf("auth has no keys, but a single value")
			}
			all["auth"] = merged(all["auth"].(tree), auth)
		}
	}
	return all, nil
}

// modernize gives older keys their names of today.
func (e *Entry) modernize() {
	for key, value := range e.values {
		if service, ok := strings.CutSuffix(key, "endpoint_type"); ok && value != nil {
			e.values[service+"interface"] = value
			delete(e.values, key)
		}
	}
	if e.AuthType = text(e.values["auth_type"]); e.AuthType == "" {
		e.AuthType = text(e.values["auth_plugin"])
	}
}

// collectAuth gathers what signing in needs from auth and from beside it; auth wins.
func (e *Entry) collectAuth() {
	auth := e.values["auth"].(tree)
	for _, names := range signIn {
		for _, name := range names {
			for _, from := range []tree{auth, e.values} {
				if value := text(from[name]); value != "" && e.Auth[names[0]] == "" {
					e.Auth[names[0]] = value
				}
			}
		}
	}
	e.spreadDomain("id")
	e.spreadDomain("name")
}

// spreadDomain makes a domain that is given once that of user and project, where there is a
// project; without one it is what the token is for.
func (e *Entry) spreadDomain(by string) {
	if domain := e.Auth["domain_"+by]; domain != "" && e.Auth["project_id"]+e.Auth["project_name"] != "" {
		for _, key := range []string{"user_domain_" + by, "project_domain_" + by} {
			if e.Auth[key] == "" {
				e.Auth[key] = domain
			}
		}
		delete(e.Auth, "domain_"+by)
	}
}

// fillIn replaces {key} in the values that are used by the entry's own values, as vendors'
// profiles have it for regions.
func (e *Entry) fillIn() (err error) {
	if e.Auth["auth_url"], err = e.filled("auth_url", e.Auth["auth_url"]); err != nil {
		return err
	}
	for key, value := range e.values {
		s, ok := value.(string)
		if !ok || !slices.ContainsFunc([]string{"endpoint_override", "_endpoint", "cacert", "cert", "key", "interface"},
			func(suffix string) bool { return strings.HasSuffix(key, suffix) }) {
			continue
		}
		if e.values[key], err = e.filled(key, s); err != nil {
			return err
		}
	}
	return nil
}

func (e *Entry) filled(key, value string) (string, error) {
	head, rest, found := strings.Cut(value, "{")
	if !found {
		return value, nil
	}
	name, rest, closed := strings.Cut(rest, "}")
	with, ok := e.values[name].(string)
	if !closed || !ok {
		return "", fmt.Errorf("%s: {%s} stands for a key that the entry doesn't have", key, name)
	}
	rest, err := e.filled(key, rest)
	return head + with + rest, err
}
