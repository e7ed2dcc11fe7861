package cloudsyaml

import (
	"maps"
	"os"
	"slices"
	"strings"
)

// selectors are variables that choose among clouds and say nothing about one.
var selectors = []string{
	"OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE", "OS_CLIENT_SECURE_FILE", "OS_CLIENT_VENDOR_FILE", "OS_CLOUD_NAME",
}

// foreign are the variables of OpenStack's own test suites, by how they begin.
var foreign = []string{"OS_TEST", "OS_STD", "OS_LOG"}

// older are names that credentials files still have, and what they are called today. The name of
// today wins where both are set.
var older = map[string]string{
	"SDK_USERNAME": "username", "SDK_PASSWORD": "password", "SDK_PROJECT": "project_name", "SDK_REGION": "region_name",
	"OS_USERID": "user_id", "OS_DEFAULT_DOMAIN": "default_domain_name",
}

// variables are what the OS_* variables say, by keys. An empty one is as good as none.
func variables(all []string) tree {
	found := tree{}
	for _, v := range all {
		name, value, _ := strings.Cut(v, "=")
		key, ours := strings.CutPrefix(name, "OS_")
		if ours && value != "" && older[name] == "" && !slices.ContainsFunc(foreign,
			func(p string) bool { return strings.HasPrefix(name, p) }) {
			found[strings.ToLower(key)] = value
		}
	}
	for _, v := range all {
		name, value, _ := strings.Cut(v, "=")
		if key := older[name]; key != "" && value != "" && !has(found, key) {
			found[key] = value
		}
	}
	return found
}

// environment is the cloud that the OS_* variables make, nil if they make none.
func environment(all []string) tree {
	cloud := variables(all)
	for key := range cloud {
		if !slices.Contains(selectors, "OS_"+strings.ToUpper(key)) {
			return cloud
		}
	}
	return nil
}

// Role is how an entry came to be used, and so which OS_* variables are about it.
type Role int

const (
	// Default is the cloud that a command or build is about by OS_CLOUD, --os-cloud or because there
	// is no other: the variables that choose a region, endpoints, certificates, a project or a way to
	// sign in win over the entry, as they do for the openstack command.
	Default Role = iota
	// Named is the one cloud of a build, by name: variables add what the entry leaves out.
	Named
	// Other is one more cloud of a command or build: no variable is about it.
	Other
)

// chosen are keys that a variable may set in place of the entry.
var chosen = []string{"interface", "endpoint_type", "cacert", "cert", "key", "insecure"}

// added are keys that a variable may set where the entry doesn't.
var added = []string{"cacert", "cert", "key"}

// secrets are what an entry signs in with; one that has any needs no password.
var secrets = []string{"password", "token", "auth_token", "application_credential_id", "application_credential_name"}

// project are the keys that say which project; one that a variable sets replaces all of them.
var project = []string{"project_id", "project_name", "tenant_id", "tenant_name"}

// withVariables is a file's entry with what the variables say about it. Variables with an auth_url
// are a cloud of their own, and their credentials and project belong to that.
func (c *Config) withVariables(own tree, role Role) tree {
	env, own := variables(os.Environ()), maps.Clone(own)
	auth, ok := own["auth"].(tree)
	if !ok && own["auth"] != nil {
		return own // which is an error for whoever reads it
	}
	auth = merged(nil, auth)
	elsewhere := has(env, "auth_url") && text(env["auth_url"]) != text(auth["auth_url"])
	take := func(keys []string, always bool) {
		for _, key := range keys {
			if has(env, key) && (always || text(own[key]) == "") {
				own[key] = env[key]
			}
		}
	}
	if role == Default {
		if has(env, "interface") {
			delete(own, "endpoint_type")
		}
		take(chosen, true)
	}
	if role != Other {
		take(added, false)
	}
	if role == Default && !elsewhere {
		take([]string{"auth_type"}, true)
		if slices.ContainsFunc(project, func(key string) bool { return has(env, key) }) {
			for _, key := range project {
				delete(auth, key)
				delete(own, key)
			}
			take(project, true)
			if has(env, "project_domain_id") || has(env, "project_domain_name") {
				delete(auth, "project_domain_id")
				delete(auth, "project_domain_name")
				take([]string{"project_domain_id", "project_domain_name"}, true)
			}
		}
	}
	if role != Other && !elsewhere && !slices.ContainsFunc(secrets, func(key string) bool { return text(auth[key])+text(own[key]) != "" }) {
		take([]string{"password"}, false)
	}
	own["auth"] = auth
	return own
}
