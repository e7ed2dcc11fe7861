package cloudsyaml

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Interface is which endpoints to use: "", public, internal or admin, maybe with URL at its end.
func (e *Entry) Interface() string { return text(e.values["interface"]) }

// Verify reports whether certificates are checked.
func (e *Entry) Verify() (bool, error) {
	insecure, err := e.flag("insecure", false)
	if err != nil || insecure {
		return !insecure, err
	}
	return e.flag("verify", true)
}

// AllowHTTP reports whether a token may go to endpoints without TLS although Keystone has it.
func (e *Entry) AllowHTTP() (bool, error) { return e.flag("allow_http_endpoints", false) }

func (e *Entry) flag(key string, otherwise bool) (bool, error) {
	switch strings.ToLower(text(e.values[key])) {
	case "":
		return otherwise, nil
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("cloud %q: %s: %q is neither true nor false", e.Name, key, text(e.values[key]))
}

// CACert is the file of the CA certificates, as Cert and Key are files; "" if the entry names none. A path is relative to the working
// folder, and ~/ is the user's home.
func (e *Entry) CACert() string { return expand(text(e.values["cacert"])) }

// Cert is the client certificate's file, see CACert.
func (e *Entry) Cert() string { return expand(text(e.values["cert"])) }

// Key is the file of the client certificate's key, see CACert.
func (e *Entry) Key() string { return expand(text(e.values["key"])) }

// serviceNames are the types under which one service's keys may stand, besides its own.
var serviceNames = map[string][]string{
	"block-storage": {"block_storage", "volumev3", "volumev2", "volume", "block_store"},
	"baremetal":     {"baremetal", "bare_metal"},
}

// Service is the entry's value for one service by its official type, such as image or
// block-storage: of the keys interface, region_name and endpoint_override.
func (e *Entry) Service(kind, key string) string {
	names := serviceNames[kind]
	if names == nil {
		names = []string{strings.ReplaceAll(kind, "-", "_")}
	}
	for _, name := range names {
		if value := text(e.values[name+"_"+key]); value != "" {
			return value
		}
	}
	if key == "endpoint_override" {
		return e.Service(kind, "endpoint")
	}
	return ""
}

// MissingURL says why the entry may have no auth_url; "" if nothing explains it.
func (e *Entry) MissingURL() string {
	if e.profile == "" {
		return ""
	}
	return unknownProfile(e.profile)
}

func expand(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"+string(os.PathSeparator)); ok && home() != "" {
		return filepath.Join(home(), rest)
	}
	return path
}
