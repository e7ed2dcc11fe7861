package promote

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// DefaultArchiveName makes names such as "archive web-base 2026-11-21 1f3c9a2e".
const DefaultArchiveName = "archive {{ .Name }} {{ .Date }} {{ .ShortID }}"

// maxName is the maximum length of an image's name, in characters.
const maxName = 255

// archiveFields are the fields of an archive name's template.
type archiveFields struct {
	Name      string // the name that the image was current under
	ID        string // the archived image's id
	ShortID   string // its first eight characters
	Date      string // the day of archiving, UTC, as 2006-01-02
	Time      string // the second of archiving, UTC, as 20060102T150405Z
	CreatedAt string // when the archived image was created, as Time

	property func(name string) string
}

// Property is one of the archived image's properties; its short id if it doesn't have that one.
func (f archiveFields) Property(name string) string { return cmp.Or(f.property(name), f.ShortID) }

// archiveName is the name of an image that is archived at the given time.
func archiveName(tmpl, name string, img *glance.Image, at time.Time) (string, error) {
	return fillArchiveName(tmpl, name, img, at, func(key string) string { return img.Properties[key] })
}

func fillArchiveName(tmpl, name string, img *glance.Image, at time.Time, property func(string) string) (string, error) {
	t, err := template.New("archive_name").Option("missingkey=error").Parse(tmpl)
	if err != nil {
		return "", fmt.Errorf("not a template: %w", err)
	}
	const second = "20060102T150405Z"
	var b strings.Builder
	err = t.Execute(&b, archiveFields{
		Name: name, ID: img.ID, ShortID: strings.SplitN(img.ID, "-", 2)[0],
		Date: at.UTC().Format(time.DateOnly), Time: at.UTC().Format(second),
		CreatedAt: img.CreatedAt.UTC().Format(second), property: property,
	})
	if err != nil {
		return "", fmt.Errorf("not a template of .Name, .ID, .ShortID, .Date, .Time, .CreatedAt and .Property: %w", err)
	}
	if n := len([]rune(b.String())); n > maxName {
		return "", fmt.Errorf("%q has %d characters, and an image's name at most %d; shorten the template", b.String(), n, maxName)
	}
	return b.String(), nil
}

// checkArchiveName refuses a template that gives two images archived on the same day the same name, or
// that doesn't change an image's name. Properties are taken to be each image's own.
func checkArchiveName(tmpl, name string) error {
	if name == "" {
		name = "name"
	}
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	fill := func(id string, at time.Time) (string, error) {
		return fillArchiveName(tmpl, name, &glance.Image{ID: id, CreatedAt: at}, at, func(string) string { return id })
	}
	first, err := fill("11111111-1111-4111-8111-111111111111", at)
	if err != nil {
		return err
	}
	second, err := fill("22222222-2222-4222-8222-222222222222", at.Add(time.Minute))
	if err != nil {
		return err
	}
	if first == second || first == name {
		return errors.New("two images archived on one day would get the same name; add {{ .ShortID }} or {{ .Time }} to the template")
	}
	return nil
}

// archiveNames gives each predecessor a unique name that isn't taken: if the template alone gives two the
// same name, the short id is added. With the pointer strategy they keep their names.
func (p *Plan) archiveNames(images []*glance.Image) ([]string, error) {
	names, taken := make([]string, len(images)), map[string]bool{p.Name: true}
	for _, img := range p.archived {
		taken[img.Name] = true
	}
	for n, img := range images {
		if p.Options.Strategy == Pointer || img.Name != p.Name {
			names[n] = img.Name
			continue
		}
		archive, err := archiveName(p.Options.ArchiveName, p.Name, img, p.at)
		if err != nil {
			return nil, fault.In("archive_name", err)
		}
		if taken[archive] {
			archive += " " + strings.SplitN(img.ID, "-", 2)[0]
		}
		taken[archive], names[n] = true, archive
	}
	return names, nil
}
