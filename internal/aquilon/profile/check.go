package profile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// CheckOptions say what is checked.
type CheckOptions struct {
	Options
	// Folder holds the profiles: its files that end with .json.
	Folder string
	// Match must occur in a profile's file name, like packuilon's PROFILE_MATCH; "" matches all.
	Match string
	// TemplateMap and SourceImages are paths or URLs, "" if there is none.
	TemplateMap, SourceImages string
	// SkipTemplates doesn't look for the template files, for a check on another machine.
	SkipTemplates bool
}

// Finding is the result for one profile. Recipe is nil if the profile can't be resolved; Err is nil if
// nothing is wrong with it.
type Finding struct {
	File   string // in the folder
	Recipe *Recipe
	Err    error
}

// Check resolves every profile of a folder. Images is nil if the cloud is not to be asked. The
// error is that of what all profiles need; what is wrong with one is in its finding.
func Check(ctx context.Context, images *glance.Client, o CheckOptions) ([]Finding, error) {
	files, err := profiles(o.Folder, o.Match)
	if err != nil {
		return nil, err
	}
	var templates *TemplateMap
	if o.TemplateMap != "" {
		if templates, err = LoadTemplateMap(ctx, o.TemplateMap); err != nil {
			return nil, err
		}
	}
	var sources *SourceImages
	if o.SourceImages != "" {
		if sources, err = LoadSourceImages(ctx, o.SourceImages); err != nil {
			return nil, err
		}
	}
	findings := make([]Finding, 0, len(files))
	for _, file := range files {
		f := Finding{File: file}
		f.Recipe, f.Err = resolveFile(ctx, filepath.Join(o.Folder, file), templates, sources, o)
		findings = append(findings, f)
	}
	duplicates(findings)
	if images != nil {
		askCloud(ctx, images, findings)
	}
	return findings, ctx.Err()
}

func profiles(folder, match string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fault.Wrap(fileKind(err), "", fmt.Errorf("listing the profiles in %s: %w", folder, cause(err)))
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && strings.HasSuffix(e.Name(), ".json") && strings.Contains(e.Name(), match) {
			files = append(files, e.Name())
		}
	}
	if len(files) == 0 {
		hint := "profile files must end with .json"
		if match != "" {
			hint += fmt.Sprintf(" and contain %q", match)
		}
		return nil, fault.New(fault.NotFound, hint, "listing the profiles in %s: none found", folder)
	}
	return files, nil
}

func resolveFile(ctx context.Context, path string, templates *TemplateMap, sources *SourceImages, o CheckOptions) (*Recipe, error) {
	p, err := LoadProfile(ctx, path)
	if err != nil {
		return nil, err
	}
	recipe, err := Resolve(p, templates, sources, o.Options)
	if err != nil || o.SkipTemplates {
		return recipe, err
	}
	var missing []error
	for _, t := range recipe.Templates {
		if _, err := os.Stat(t); err != nil && !remote(t) {
			missing = append(missing, fault.Wrap(fileKind(err), "", fmt.Errorf("finding template %s: %w", t, cause(err))))
		}
	}
	return recipe, errors.Join(missing...)
}

// duplicates finds profiles that would build the same image.
func duplicates(findings []Finding) {
	first := map[string]string{}
	for i, f := range findings {
		if f.Recipe == nil {
			continue
		}
		if other, twice := first[f.Recipe.Name]; twice && f.Err == nil {
			findings[i].Err = fault.New(fault.Ambiguous, "give one of them another personality or host name",
				"naming the image of %s: %s builds %q already", f.File, other, f.Recipe.Name)
			continue
		}
		first[f.Recipe.Name] = f.File
	}
}

func askCloud(ctx context.Context, images *glance.Client, findings []Finding) {
	var ids []string
	for _, f := range findings {
		if f.Recipe != nil && f.Recipe.SourceImage != "" {
			ids = append(ids, f.Recipe.SourceImage)
		}
	}
	slices.Sort(ids)
	failed := verifyAll(ctx, images, slices.Compact(ids))
	for i, f := range findings {
		if f.Recipe != nil && f.Err == nil {
			findings[i].Err = failed[f.Recipe.SourceImage]
		}
	}
}

// Outcome is the error for all findings: nil if nothing is wrong, fault.Partial if only some profiles are
// good, otherwise of the first finding's kind.
func Outcome(findings []Finding) error {
	bad := 0
	var first error
	for _, f := range findings {
		if f.Err == nil {
			continue
		}
		if bad++; first == nil {
			first = f.Err
		}
	}
	kind := fault.Partial
	switch bad {
	case 0:
		return nil
	case len(findings):
		kind = fault.KindOf(first)
	}
	return fault.New(kind, "", "checking %d profiles: %d can't be built", len(findings), bad)
}
