package decide

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/imgctl/packer-plugin-openstack/internal/containers/label"
	"github.com/imgctl/packer-plugin-openstack/internal/containers/reference"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// lookups asks the registry for labels once per image, however many list entries name it.
type lookups struct {
	registry Registry
	lastTag  bool // where the starting tag is missing, the last tag is looked at

	mu   sync.Mutex
	once map[string]func() (inspected, error)
}

type inspected struct {
	labels map[string]string
	from   string // the tag whose labels these are
}

func newLookups(r Registry, lastTag bool) *lookups {
	return &lookups{registry: r, lastTag: lastTag, once: map[string]func() (inspected, error){}}
}

func (l *lookups) inspect(ctx context.Context, image reference.Reference) (inspected, error) {
	l.mu.Lock()
	f, ok := l.once[image.String()]
	if !ok {
		f = sync.OnceValues(func() (inspected, error) { return l.ask(ctx, image) })
		l.once[image.String()] = f
	}
	l.mu.Unlock()
	return f()
}

func (l *lookups) ask(ctx context.Context, image reference.Reference) (inspected, error) {
	if l.registry == nil {
		return inspected{}, usage("image %s: its labels can't be read without a registry", image)
	}
	labels, err := l.registry.Labels(ctx, image)
	if err == nil || !l.lastTag || !fault.Is(err, fault.NotFound) {
		return inspected{labels, image.Identifier()}, err
	}
	tags, tagsErr := l.registry.Tags(ctx, image)
	if tagsErr != nil || len(tags) == 0 {
		return inspected{}, err
	}
	last := tags[len(tags)-1]
	labels, err = l.registry.Labels(ctx, image.WithTag(last))
	return inspected{labels, last}, err
}

// locked gives the image the tag that labels named when the lock was made.
func locked(image *Image, lock Lock) error {
	tag, err := lock.Tag(image.Source)
	if err != nil {
		return err
	}
	image.Start, image.Source, image.TagWhy = image.Source, image.Source.WithTag(tag), "tag in the lock file"
	return nil
}

// tag gives the image the tag that its labels name, and says how it was found. Where a label is
// missing, the tag to start from stays.
func (l *lookups) tag(ctx context.Context, image *Image, template *label.Template) error {
	found, err := l.inspect(ctx, image.Source)
	if err != nil {
		return fmt.Errorf("finding the tag of %s: %w", image.Source, err)
	}
	tag, missing := template.Format(found.labels)
	why := fmt.Sprintf("labels %s of tag %s", template, found.from)
	if missing != "" {
		if image.Source.Tag == "" {
			return fault.New(fault.NotFound, "", "finding the tag of %s: it has no label %q; labels: %s", image.Source, missing,
				names(found.labels))
		}
		tag, why = image.Source.Tag, fmt.Sprintf("%s; label %q is missing, so the tag stays", image.TagWhy, missing)
	}
	if !reference.ValidTag(tag) {
		return usage("finding the tag of %s: its labels give %.80q, which is no tag", image.Source, tag)
	}
	if tag != found.from {
		if err := l.present(ctx, image.Source.WithTag(tag)); err != nil {
			return err
		}
	}
	image.Start, image.Source, image.TagWhy = image.Source, image.Source.WithTag(tag), why
	return nil
}

// present fails with the tags that there are where the image isn't.
func (l *lookups) present(ctx context.Context, image reference.Reference) error {
	ok, err := l.registry.Exists(ctx, image)
	if err != nil {
		return fmt.Errorf("looking for %s: %w", image, err)
	}
	if ok {
		return nil
	}
	tags, err := l.registry.Tags(ctx, image)
	if err != nil {
		return fmt.Errorf("listing the tags of %s: %w", image.Name(), err)
	}
	const shown = 20
	more := ""
	if len(tags) > shown {
		more = fmt.Sprintf(" and %d more", len(tags)-shown)
		tags = tags[len(tags)-shown:]
	}
	return fault.New(fault.NotFound, "", "image %s has no tag %s; available tags: %s%s",
		image.Name(), image.Tag, strings.Join(tags, ", "), more)
}

// modified marks the image for a change where it has one of the labels. source is where to read them.
func (l *lookups) modified(ctx context.Context, image *Image, source reference.Reference, labels []string) error {
	found, err := l.inspect(ctx, source)
	if err != nil {
		return fmt.Errorf("reading the labels of %s: %w", image.Source, err)
	}
	if slices.ContainsFunc(labels, func(name string) bool { _, ok := found.labels[name]; return ok }) {
		image.Modify = &Modify{}
	}
	return nil
}

func names(labels map[string]string) string {
	if len(labels) == 0 {
		return "none"
	}
	all := make([]string, 0, len(labels))
	for name := range labels {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all[:min(len(all), 30)], ", ")
}

// DiscoverTag is the tag that the image's labels name by the template, as an entry would find it.
func DiscoverTag(ctx context.Context, registry Registry, image reference.Reference, template *label.Template) (string, error) {
	one := &Image{Source: image, TagWhy: "tag as given"}
	if err := newLookups(registry, image.Tag == "").tag(ctx, one, template); err != nil {
		return "", err
	}
	return one.Source.Tag, nil
}
