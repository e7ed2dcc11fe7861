package record

import (
	"slices"
	"strconv"
	"strings"
)

// Catalogue is every scenario, by the name of its file below recordings.
func Catalogue() map[string][]Scenario {
	return map[string][]Scenario{
		"identity":       identity(),
		"image":          image(),
		"image-list":     imageList(),
		"image-patch":    imagePatch(),
		"image-members":  imageMembers(),
		"image-data":     imageData(),
		"compute":        compute(),
		"compute-errors": computeErrors(),
		"network":        network(),
		"volume":         volume(),
		"volume-boot":    volumeBoot(),
	}
}

// Limited is what is asked of a cloud with small limits: three members of an image, twelve properties,
// four tags, three images and one MiB in the owner's project.
func Limited() map[string][]Scenario { return map[string][]Scenario{"image-limits": imageLimits()} }

// Paged is what is asked of a cloud with pages of five, at most ten, images.
func Paged() map[string][]Scenario { return map[string][]Scenario{"image-pages": imagePages()} }

// Bare is what is asked of a cloud with a node of the class real, whose deploy ramdisk never calls back, and whose
// conductor has no deploy ramdisk of its own.
func Bare() map[string][]Scenario { return map[string][]Scenario{"baremetal": baremetal()} }

// steps joins what single calls made.
func steps(parts ...[]Step) []Step { return slices.Concat(parts...) }

// many is a JSON list of n values.
func many(n int, value func(number string) string) string {
	values := make([]string, n)
	for i := range values {
		values[i] = value(strconv.Itoa(i))
	}
	return "[" + strings.Join(values, ", ") + "]"
}
