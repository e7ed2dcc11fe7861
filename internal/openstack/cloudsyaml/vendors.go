package cloudsyaml

import (
	_ "embed"
	"strings"
	"sync"
)

// vendorFacts are the public clouds that a profile can name without a clouds-public.yaml.
//
//go:embed vendors.yaml
var vendorFacts []byte

var knownVendors = sync.OnceValue(func() tree {
	all, err := parse(vendorFacts, false)
	if err != nil {
		panic("vendors.yaml: " + err.Error()) // it is part of the program
	}
	return all
})

// profile is what the entry's vendor says; its name is "" if the entry names none. A profile
// that isn't known adds nothing: the entry may be complete without it.
func (c *Config) profile(own tree) (name string, found tree) {
	name = text(own["profile"])
	if name == "" {
		name = text(own["cloud"])
	}
	if name == "" || name == c.envName {
		return "", nil
	}
	if found, ok := c.vendors[name].(tree); ok {
		return name, normalized(found)
	}
	found, _ = knownVendors()[name].(tree)
	return name, normalized(found)
}

// unknownProfile explains that a profile is unknown, for an entry that lacks something.
func unknownProfile(name string) string {
	if strings.Contains(name, "://") || name == "vexxhost" {
		return "its profile " + name + " is published on the network only, which isn't asked: " +
			"write auth_url into the entry, or the profile into clouds-public.yaml"
	}
	return "its profile " + name + " isn't known: it has to be in clouds-public.yaml"
}
