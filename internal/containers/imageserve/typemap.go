package imageserve

import (
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
)

// variant is one line of a type-map.
type variant struct{ MediaType, Digest string }

// parseTypeMap reads Apache's type-map: blocks of Content-Type and URI.
func parseTypeMap(text string) (all []variant) {
	for block := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		var v variant
		for line := range strings.SplitSeq(block, "\n") {
			key, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(key)) {
			case "content-type":
				v.MediaType = value
			case "uri":
				v.Digest = strings.TrimSuffix(value, "/index.json")
			}
		}
		if v.MediaType != "" && reference.ValidDigest(v.Digest) {
			all = append(all, v)
		}
	}
	return all
}
