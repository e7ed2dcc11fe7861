package openstack

import (
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Values that no cloud accepts, whatever its configuration, because of limits in the services' schemas and
// databases. `packer validate` refuses them, so that a build doesn't fail after an hour of provisioning.
const (
	longestName      = 255   // of an image, server, volume, tag of an image, property, metadata
	longestServerTag = 60    // Nova
	mostServerTags   = 50    // Nova
	longestUserData  = 65535 // Nova, of its base64
)

var (
	// keyPairName is what Nova takes before microversion 2.92.
	keyPairName = regexp.MustCompile(`^[A-Za-z0-9 _-]+$`)
	// metadataKey is what Nova and Cinder take as a key.
	metadataKey = regexp.MustCompile(`^[a-zA-Z0-9_:. -]{1,255}$`)
)

// short refuses a text that is longer than the services take.
func (f *findings) short(option, text string, most int) {
	if n := utf8.RuneCountInString(text); n > most {
		f.bad(fmt.Sprintf("use at most %d characters", most), "%s: %q has %d", option, beginning(text), n)
	}
}

// natural refuses a number that the services' databases can't hold.
func (f *findings) natural(option, unit string, n int) {
	switch {
	case n < 0:
		f.bad("use 0 or more "+unit, "%s: %d is negative", option, n)
	case n > math.MaxInt32:
		f.bad("use at most 2147483647 "+unit, "%s: %d is too large", option, n)
	}
}

// properties refuses names of properties that can't be set on an image. An image's own attributes
// have options of their own.
func (f *findings) properties(option string, properties map[string]string, attributesToo bool) {
	for key := range properties {
		switch {
		case key == "":
			f.bad("give it a name", "%s: a property has no name", option)
		case strings.HasPrefix(key, "os_glance_"), strings.HasPrefix(key, "imgctl_"):
			f.bad("leave it out", "%s: property %q belongs to the cloud or to imgctl", option, key)
		case glance.Attribute(key) && !attributesToo:
			f.bad(instead(key), "%s: %q is no property but an attribute of the image", option, key)
		}
		f.short(option, key, longestName)
	}
}

// instead is the option for an attribute of images.
func instead(attribute string) string {
	options := map[string]string{
		"name": "image_name", "visibility": "image_visibility", "tags": "image_tags", "min_disk": "image_min_disk",
		"min_ram": "image_min_ram", "protected": "image_protected", "os_hidden": "image_hidden", "disk_format": "image_disk_format",
	}
	if option := options[attribute]; option != "" {
		return "use " + option
	}
	return "leave it out: the Image service sets it"
}

// serverTags refuses tags that Nova doesn't take.
func (f *findings) serverTags(tags []string) {
	if len(tags) > mostServerTags {
		f.bad("use at most 50", "instance_tags: there are %d", len(tags))
	}
	for _, tag := range tags {
		f.short("instance_tags", tag, longestServerTag)
		if strings.ContainsAny(tag, ",/") {
			f.bad("leave commas and slashes out", "instance_tags: %q", tag)
		}
	}
}

// serverMetadata refuses metadata that Nova doesn't take, or that imgctl sets.
func (f *findings) serverMetadata(metadata map[string]string) {
	for key, value := range metadata {
		switch {
		case len(key) > longestName || len(value) > longestName:
			f.bad("use at most 255 bytes for key and value", "instance_metadata: %q is too long", beginning(key))
		case !metadataKey.MatchString(key):
			f.bad("use letters, digits, spaces and -_:. only", "instance_metadata: %q can't be a key", key)
		case key == cloud.RunKey || key == cloud.DeadlineKey:
			f.bad("leave it out", "instance_metadata: %q belongs to imgctl", key)
		}
	}
}

// userData refuses user data that is too long for Nova.
func (f *findings) userData(option string, length int) {
	if encoded := base64.StdEncoding.EncodedLen(length); encoded > longestUserData {
		f.bad("use at most 49149 bytes, or compress it", "%s: it has %d bytes", option, length)
	}
}

func (f *findings) userDataFile(path string) {
	info, err := os.Stat(path)
	if err != nil {
		f.bad("name a readable file", "user_data_file: %w", err)
		return
	}
	f.userData("user_data_file", int(info.Size()))
}

// takenByNova are those of an image's properties that Nova and Cinder take as metadata: shorter
// than Glance's. The others come with the final change.
func takenByNova(properties map[string]string) map[string]string {
	taken := map[string]string{}
	for key, value := range properties {
		if metadataKey.MatchString(key) && utf8.RuneCountInString(value) <= longestName {
			taken[key] = value
		}
	}
	return taken
}

// beginning is the start of a long text, enough to recognise it.
func beginning(text string) string {
	runes := []rune(text)
	if len(runes) <= 40 {
		return text
	}
	return string(runes[:40]) + "…"
}
