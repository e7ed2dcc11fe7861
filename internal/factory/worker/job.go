package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/aquilon/profile"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// job is what a message asks for.
type job struct {
	queue.Message
	*profile.Recipe
	digest string // of the profile
	system string // such as sl7x-x86_64
	named  bool   // the source images name the source image
}

// maps are packuilon's.
type maps struct {
	templates *profile.TemplateMap
	sources   *profile.SourceImages
}

// load reads the maps as they are now.
func (w *worker) load(ctx context.Context) (m maps, err error) {
	if m.templates, err = profile.LoadTemplateMap(ctx, w.TemplateMap); err == nil && w.SourceImages != "" {
		m.sources, err = profile.LoadSourceImages(ctx, w.SourceImages)
	}
	return m, err
}

// resolve finds out what a message asks for. What is wrong with the message itself won't get better.
func (w *worker) resolve(m queue.Message, from maps) (*job, error) {
	source := "message " + m.ID
	p, err := profile.ParseProfile(source, m.Body)
	if err != nil {
		return nil, err
	}
	o := w.Resolve
	o.SourceNames = true
	recipe, err := profile.Resolve(p, from.templates, from.sources, o)
	if err != nil {
		return nil, fault.About(source, err)
	}
	if len(recipe.Templates) == 0 {
		return nil, fault.New(fault.NotFound, "", "%s: the template map has an empty list for %s", source, recipe.Key)
	}
	named := recipe.SourceImage != "" && !glance.IsID(recipe.SourceImage)
	return &job{m, recipe, p.Digest, p.OS + p.OSVersion + "-" + p.Arch, named}, nil
}

// findSource finds the image that a build starts from, where the source images name one: the current one of that name
// in this project, or else the only one of that name.
func (w *worker) findSource(ctx context.Context, j *job) error {
	if !j.named {
		return nil
	}
	own, err := w.Site.Images.Images(ctx, glance.Query{Owner: w.Site.Project, Name: j.SourceImage, Status: glance.StatusActive})
	if err != nil {
		return fmt.Errorf("looking for source image %q: %w", j.SourceImage, err)
	}
	// While one takes another's place, both have the name for a moment.
	var newest *glance.Image
	for _, i := range own {
		at := i.Properties[promote.PromotedKey]
		if at != "" && (newest == nil || at > newest.Properties[promote.PromotedKey]) {
			newest = i
		}
	}
	if newest == nil {
		if newest, err = w.Site.Images.One(ctx, glance.Selector{Name: j.SourceImage}, false); err != nil {
			return fmt.Errorf("looking for source image %q: %w", j.SourceImage, err)
		}
	}
	j.SourceImage = newest.ID
	return nil
}

// key identifies what a build of one template makes: the same key, the same image.
func (w *worker) key(j *job, template string) (string, error) {
	parts := []string{j.Name, j.digest, j.SourceImage}
	for _, path := range append([]string{template}, w.Packer.VarFiles...) {
		digest, err := contentDigest(path)
		if err != nil {
			return "", err
		}
		parts = append(parts, digest)
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// contentDigest is that of a template: a file, or the templates in a folder.
func contentDigest(path string) (string, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("reading the template: %w", err)
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path), "*.pkr*")); err != nil {
			return "", err
		}
	}
	h := sha256.New()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("reading the template: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", filepath.Base(file), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
