// Package names holds the names on which the commands for a cloud have to agree: that of the mirror's host, and those
// of key pairs that were rotated.
package names

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// entries are what the names of entries in clouds.yaml begin with, before the cloud's own name.
var entries = []string{"openstackzuul-", "openstackci-", "openstackjenkins-"}

// Provider is a cloud's own name, by the name of one of its entries in clouds.yaml.
func Provider(entry string) string {
	for _, prefix := range entries {
		entry = strings.TrimPrefix(entry, prefix)
	}
	return entry
}

// Host is a host's name by a pattern with {region} and {cloud}, such as mirror.{region}.{cloud}.opendev.org. What a
// name of DNS can't have becomes a dash.
func Host(pattern, region, provider string) string {
	name := strings.NewReplacer("{region}", cmp.Or(region, "RegionOne"), "{cloud}", provider).Replace(pattern)
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(name))
}

// dated is what follows the name of a key pair that took another one's place.
var dated = regexp.MustCompile(`^-(\d{8}|\d{4}-\d\d-\d\d)(?:-(\d+))?$`)

// Dated reports whether a key pair took the place of the one called name, which is in its name with a date.
func Dated(name, other string) bool {
	suffix, is := strings.CutPrefix(other, name)
	return is && dated.MatchString(suffix)
}

// Newest is the key pair that counts among those there are: the last one that took the place of the one called name, or
// that one itself; "" if there is none.
func Newest(name string, all []string) string {
	newest, when := "", []int{-1, 0}
	for _, other := range all {
		if other == name && newest == "" {
			newest = other
		}
		if !Dated(name, other) {
			continue
		}
		parts := dated.FindStringSubmatch(strings.TrimPrefix(other, name))
		day, _ := strconv.Atoi(strings.ReplaceAll(parts[1], "-", ""))
		nth, _ := strconv.Atoi(parts[2])
		if at := []int{day, nth}; slices.Compare(at, when) > 0 {
			newest, when = other, at
		}
	}
	return newest
}
