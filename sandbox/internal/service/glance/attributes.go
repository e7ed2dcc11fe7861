package glance

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

var (
	readOnly = []string{
		"created_at", "updated_at", "status", "checksum", "size", "virtual_size", "os_hash_algo", "os_hash_value",
		"direct_url", "self", "file", "schema",
	}
	reserved = []string{"location", "deleted", "deleted_at"}
)

// uuidForm is how Glance's schema describes an id.
const uuidForm = `^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$`

// isUUID leaves out the other forms that package uuid knows, such as urn:uuid:….
func isUUID(text string) bool { return len(text) == 36 && uuid.Validate(text) == nil }

// checkName refuses the attributes that no request may set.
func checkName(name string) error {
	switch {
	case slices.Contains(readOnly, name), name == "id":
		return answer.Fail(http.StatusForbidden, "Attribute '%s' is read-only.", name)
	case slices.Contains(reserved, name), strings.HasPrefix(name, "os_glance"):
		return answer.Fail(http.StatusForbidden, "Attribute '%s' is reserved.", name)
	}
	return nil
}

// repr is a value of JSON as Python prints it.
func repr(value any) string {
	switch v := value.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return "'" + v + "'"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// base are the attributes of every image; all others are custom properties.
var base = []string{
	"id", "name", "visibility", "owner", "protected", "os_hidden", "disk_format", "container_format", "min_disk", "min_ram", "tags",
	"locations",
}

// checkValue holds a value against the schema of images.
func checkValue(name string, value any) error {
	text, isText := value.(string)
	switch name {
	case "id":
		if !isUUID(text) {
			return mismatch("%s does not match '%s'", repr(value), uuidForm)
		}
	case "name", "owner":
		if !isText && value != nil {
			return mismatch("%s is not of type 'null', 'string'", repr(value))
		}
		if len([]rune(text)) > 255 {
			return mismatch("%s is too long", repr(value))
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r > 0xffff }) {
			return answer.Fail(http.StatusBadRequest, "Name can't contain 4 byte unicode characters.")
		}
	case "visibility":
		return oneOf(value, visibilities, false)
	case "disk_format":
		return oneOf(value, diskFormats, true)
	case "container_format":
		return oneOf(value, containerFormats, true)
	case "protected", "os_hidden":
		if _, ok := value.(bool); !ok {
			return mismatch("%s is not of type 'boolean'", repr(value))
		}
	case "min_disk", "min_ram":
		return checkWhole(name, value)
	case "tags":
		return checkTags(value)
	case "locations":
		if _, ok := value.([]any); !ok {
			return mismatch("%s is not of type 'array'", repr(value))
		}
	default:
		if !isText {
			return mismatch("%s is not of type 'string'", repr(value))
		}
	}
	return nil
}

func oneOf(value any, allowed []string, null bool) error {
	if text, ok := value.(string); (ok && slices.Contains(allowed, text)) || (null && value == nil) {
		return nil
	}
	var names []string
	if null {
		names = append(names, repr(nil))
	}
	for _, a := range allowed {
		names = append(names, repr(a))
	}
	return mismatch("%s is not one of [%s]", repr(value), strings.Join(names, ", "))
}

func checkWhole(name string, value any) error {
	v, ok := value.(float64)
	switch {
	case !ok || v != float64(int64(v)):
		return mismatch("%s is not of type 'integer'", repr(value))
	case v < 0:
		return answer.Fail(http.StatusBadRequest, "Invalid value %s for parameter '%s': Cannot be a negative value", repr(repr(v)), name)
	case v > 1<<31-1:
		return answer.Fail(http.StatusBadRequest, "'%s' value out of range, must not exceed 2147483647.", name)
	}
	return nil
}

// setNew sets an attribute of an image that is being created.
func (i *Image) setNew(c front.Caller, name string, value any) error {
	if name == "stores" || slices.Contains(readOnly, name) {
		return answer.Fail(http.StatusForbidden, "Attribute '%s' is read-only.", name)
	}
	if err := checkValue(name, value); err != nil {
		return err
	}
	switch {
	case name == "id":
		i.ID, _ = value.(string)
		return nil
	case name == "owner" && !c.Is("admin") && value != c.ProjectID:
		return failDetail(http.StatusForbidden, "You are not permitted to create images owned by '%v'", value)
	case name == "locations":
		return answer.Fail(http.StatusForbidden, "Attribute '%s' is reserved.", name)
	case checkName(name) != nil:
		return failDetail(http.StatusForbidden, "Attribute '%s' is reserved.", name)
	case len([]rune(name)) > 255:
		return answer.Fail(http.StatusBadRequest, "Custom property should not be greater than 255 characters.")
	}
	return i.set(name, value)
}

// set sets an attribute or a custom property to a value that checkValue has passed.
func (i *Image) set(name string, value any) error {
	text, _ := value.(string)
	number, _ := value.(float64)
	flag, _ := value.(bool)
	switch name {
	case "name":
		i.Name = text
	case "owner":
		i.Owner = text
	case "visibility":
		i.Visibility = text
	case "protected":
		i.Protected = flag
	case "os_hidden":
		i.Hidden = flag
	case "min_disk":
		i.MinDisk = int(number)
	case "min_ram":
		i.MinRAM = int(number)
	case "disk_format", "container_format":
		if i.Status != Queued {
			return answer.Fail(http.StatusForbidden, "Attribute %s can be only replaced for a queued image.", name)
		}
		if name == "disk_format" {
			i.DiskFormat = text
		} else {
			i.ContainerFormat = text
		}
	case "tags":
		i.Tags = nil
		list, _ := value.([]any)
		for _, t := range list {
			tag, _ := t.(string)
			i.Tags = append(i.Tags, tag)
		}
		slices.Sort(i.Tags)
		i.Tags = slices.Compact(i.Tags)
	case "locations":
		return failDetail(http.StatusForbidden, "Cannot set locations to empty list.")
	default:
		i.Properties[name] = text
	}
	return nil
}

func joined(list []string) string { return strings.Join(list, ",") }
