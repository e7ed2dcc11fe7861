//go:build linux

package agent

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"slices"
	"sort"
	"strings"
)

// metadataAddress is where every OpenStack guest finds its metadata.
const metadataAddress = "169.254.169.254"

var openstackVersions = []string{
	"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22",
	"2018-08-27", "2020-10-14", "latest",
}

var ec2Versions = []string{
	"1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
	"2009-04-04",
}

// metadata serves the config drive's documents as OpenStack's metadata service does: OpenStack's own tree below
// /openstack, Amazon's in the others.
func metadata(documents map[string][]byte) http.Handler {
	var ec2 map[string]any
	_ = json.Unmarshal(documents["ec2/latest/meta-data.json"], &ec2)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.Trim(path.Clean(r.URL.Path), "/"), "/")
		body, ok := []byte(nil), false
		switch {
		case parts[0] == "":
			body, ok = lines(append(slices.Clone(ec2Versions), "latest")), true
		case parts[0] == "openstack" && len(parts) == 1:
			body, ok = lines(openstackVersions), true
		case parts[0] == "openstack" && slices.Contains(openstackVersions, parts[1]):
			body, ok = document(documents, parts[2:])
		case parts[0] == "latest" || slices.Contains(ec2Versions, parts[0]):
			body, ok = ec2Document(documents, ec2, parts[1:])
		}
		if !ok {
			http.Error(w, "404 Not Found", http.StatusNotFound)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".json") {
			w.Header().Set("Content-Type", "application/json")
		} else {
			w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		}
		_, _ = w.Write(body)
	})
}

func lines(names []string) []byte { return []byte(strings.Join(names, "\n")) }

func document(documents map[string][]byte, rest []string) ([]byte, bool) {
	const dir = "openstack/latest/"
	if len(rest) == 0 {
		var names []string
		for name := range documents {
			if base, ok := strings.CutPrefix(name, dir); ok {
				names = append(names, base)
			}
		}
		sort.Strings(names)
		return lines(names), true
	}
	b, ok := documents[dir+strings.Join(rest, "/")]
	return b, ok
}

func ec2Document(documents map[string][]byte, ec2 map[string]any, rest []string) ([]byte, bool) {
	data, hasData := documents["ec2/latest/user-data"]
	switch {
	case len(rest) == 0 && hasData:
		return []byte("meta-data/\nuser-data"), true
	case len(rest) == 0:
		return []byte("meta-data/"), true
	case rest[0] == "user-data" && len(rest) == 1:
		return data, hasData
	case rest[0] != "meta-data":
		return nil, false
	}
	var node any = ec2
	for _, part := range rest[1:] {
		m, ok := node.(map[string]any)
		if !ok {
			return nil, false
		}
		if node, ok = m[part]; !ok {
			return nil, false
		}
	}
	return render(node), true
}

// render shows a node of Amazon's tree: a folder's entries, or a value.
func render(node any) []byte {
	switch v := node.(type) {
	case map[string]any:
		var names []string
		for name, child := range v {
			m, folder := child.(map[string]any)
			switch id, _ := m["_name"].(string); {
			case name == "_name":
			case id != "":
				names = append(names, id)
			case folder:
				names = append(names, name+"/")
			default:
				names = append(names, name)
			}
		}
		sort.Strings(names)
		return lines(names)
	case []any:
		var items []string
		for _, item := range v {
			items = append(items, fmt.Sprint(item))
		}
		return lines(items)
	default:
		return []byte(fmt.Sprint(v))
	}
}
