package glance

import (
	"slices"
	"strings"
)

// Reserved reports whether an additional property belongs to the service, to a client's records about the
// data, or to imgctl, so that it must not be copied from one image to another.
func Reserved(property string) bool {
	return hasPrefix(property, "os_glance_", "owner_specified.", "imgctl_", "img_signature")
}

// OwnData reports whether an additional property says how an image's own data is encrypted, or which
// snapshots it consists of. Without it the image's data can't be read; on another image it is wrong.
func OwnData(property string) bool {
	return hasPrefix(property, "cinder_encryption_", "os_encrypt_", "os_decrypt_") ||
		slices.Contains([]string{"block_device_mapping", "bdm_v2", "root_device_name", "mappings"}, property)
}

// Copyable reports whether an additional property may be copied to an image with other data, or
// to a copy of the image elsewhere. Besides Reserved and OwnData those are left out that name the
// server, the image and the user that the data came from.
func Copyable(property string) bool {
	return !Reserved(property) && !OwnData(property) && !slices.Contains([]string{
		"base_image_ref", "instance_uuid", "image_location", "user_id", "owner_id", "owner_user_name", "owner_project_name",
	}, property)
}

// Tied names what the image's data needs but a copy in another cloud or project would lack, such as "the key
// cinder_encryption_key_id = ...". It is "" if the data is complete by itself.
func (i *Image) Tied() string {
	for _, needs := range []struct{ what, property string }{
		{"the encryption key", "cinder_encryption_key_id"},
		{"the encryption key", "os_encrypt_key_id"},
		{"the volume snapshots", "block_device_mapping"},
		{"the kernel image", "kernel_id"},
		{"the ramdisk image", "ramdisk_id"},
	} {
		if v := i.Properties[needs.property]; v != "" && v != "[]" {
			return needs.what + " that its property " + needs.property + " names"
		}
	}
	return ""
}

func hasPrefix(property string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(property, p) })
}
