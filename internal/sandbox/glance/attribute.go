package glance

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/sandbox/wire"
)

var (
	readOnly = []string{"created_at", "updated_at", "status", "checksum", "size", "virtual_size", "os_hash_algo", "os_hash_value", "direct_url", "self", "file", "schema", "stores"}
	reserved = []string{"location", "deleted", "deleted_at"}
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// checkName refuses the attributes that no request may set.
func checkName(name string) error {
	switch {
	case slices.Contains(readOnly, name):
		return wire.Fail(http.StatusForbidden, "Attribute '%s' is read-only.", name)
	case slices.Contains(reserved, name), strings.HasPrefix(name, "os_glance"):
		return wire.Fail(http.StatusForbidden, "Attribute '%s' is reserved.", name)
	}
	return nil
}

// mismatch is what Glance says of a value that its schema forbids.
func mismatch(format string, args ...any) error {
	return wire.Fail(http.StatusBadRequest, "Provided object does not match schema 'image': %s", fmt.Sprintf(format, args...))
}

// base are the attributes of every image; all others are custom properties.
var base = []string{
	"id", "name", "visibility", "owner", "protected", "os_hidden", "disk_format", "container_format", "min_disk", "min_ram", "tags", "locations",
}

// setNew sets an attribute of an image that is being created.
func (i *Image) setNew(c wire.Caller, name string, value any) error {
	switch name {
	case "id":
		id, _ := value.(string)
		if !uuidForm.MatchString(id) {
			return mismatch("'%v' does not match '%s'", value, uuidForm)
		}
		i.ID = id
		return nil
	case "owner":
		owner, ok := value.(string)
		if !ok && value != nil {
			return mismatch("%v is not of type 'null', 'string'", value)
		}
		if !c.Is("admin") && owner != c.ProjectID {
			return wire.Fail(http.StatusForbidden, "You are not permitted to create images owned by '%s'.", owner)
		}
		i.Owner = owner
		return nil
	}
	return i.set(c, name, value)
}

// set sets an attribute or a custom property to a value of JSON.
func (i *Image) set(c wire.Caller, name string, value any) error {
	if err := checkName(name); err != nil {
		return err
	}
	switch name {
	case "id":
		return wire.Fail(http.StatusForbidden, "Attribute 'id' is read-only.")
	case "owner":
		if !c.Is("admin") {
			return wire.Fail(http.StatusForbidden, "Owner can't be updated by non admin.")
		}
		return text(&i.Owner, value, 255)
	case "name":
		return text(&i.Name, value, 255)
	case "locations":
		return wire.Fail(http.StatusForbidden, "It's not allowed to add locations if locations are invisible.")
	case "visibility":
		return choice(&i.Visibility, value, visibilities, false)
	case "disk_format", "container_format":
		if i.Status != Queued {
			return wire.Fail(http.StatusForbidden, "Attribute %s can be only replaced for a queued image.", name)
		}
		if name == "disk_format" {
			return choice(&i.DiskFormat, value, diskFormats, true)
		}
		return choice(&i.ContainerFormat, value, containerFormats, true)
	case "protected":
		return flag(&i.Protected, value)
	case "os_hidden":
		return flag(&i.Hidden, value)
	case "min_disk":
		return whole(&i.MinDisk, value)
	case "min_ram":
		return whole(&i.MinRAM, value)
	case "tags":
		return tagList(&i.Tags, value)
	}
	v, ok := value.(string)
	if !ok {
		return mismatch("%v is not of type 'string'", value)
	}
	if len([]rune(name)) > 255 {
		return wire.Fail(http.StatusBadRequest, "Custom property name cannot be greater than 255 characters: '%s'", name)
	}
	i.Properties[name] = v
	return nil
}

func text(field *string, value any, most int) error {
	v, ok := value.(string)
	switch {
	case !ok && value != nil:
		return mismatch("%v is not of type 'null', 'string'", value)
	case len([]rune(v)) > most:
		return mismatch("'%s' is too long", v)
	}
	*field = v
	return nil
}

func choice(field *string, value any, allowed []string, null bool) error {
	v, ok := value.(string)
	if value == nil && null {
		*field = ""
		return nil
	}
	if !ok || !slices.Contains(allowed, v) {
		return mismatch("'%v' is not one of [%s]", value, joined(allowed))
	}
	*field = v
	return nil
}

func flag(field *bool, value any) error {
	v, ok := value.(bool)
	if !ok {
		return mismatch("%v is not of type 'boolean'", value)
	}
	*field = v
	return nil
}

func whole(field *int, value any) error {
	v, ok := value.(float64)
	switch {
	case !ok || v != float64(int64(v)):
		return mismatch("%v is not of type 'integer'", value)
	case v < 0:
		return wire.Fail(http.StatusBadRequest, "Cannot be a negative value")
	case v > 1<<31-1:
		return mismatch("%v is greater than the maximum of 2147483647", value)
	}
	*field = int(v)
	return nil
}

func tagList(field *[]string, value any) error {
	list, ok := value.([]any)
	if !ok {
		return mismatch("%v is not of type 'array'", value)
	}
	tags := make([]string, 0, len(list))
	for _, t := range list {
		v, ok := t.(string)
		if !ok || len([]rune(v)) > 255 {
			return mismatch("%v is not a tag of at most 255 characters", t)
		}
		tags = append(tags, v)
	}
	slices.Sort(tags)
	*field = slices.Compact(tags)
	return nil
}

func joined(list []string) string { return strings.Join(list, ",") }
