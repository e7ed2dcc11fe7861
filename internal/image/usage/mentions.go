package usage

import (
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

var (
	quoted  = regexp.MustCompile(`"([^"]+)"|'([^']+)'`)
	pattern = regexp.MustCompile(`(?i)\b\w*regex\w*["']?\s*[:=]\s*(?:"([^"]+)"|'([^']+)'|(\S+))`)
)

// separators end a word in any of the languages that such files have.
const separators = " \t\r,;()[]{}<>=:\"'`|"

// mentioned takes whatever in a line of text may be an image's id or name: ids, quoted text, words, and what
// follows a key or a dash. Names that don't exist do no harm.
func (r *reading) mentioned(line string) {
	for _, id := range idText.FindAllString(line, -1) {
		r.once(id)
	}
	if m := pattern.FindStringSubmatch(line); m != nil {
		r.pattern(m[1] + m[2] + m[3])
		return
	}
	for _, m := range quoted.FindAllStringSubmatch(line, -1) {
		r.once(m[1] + m[2])
	}
	for _, word := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
		r.once(word)
	}
	rest := strings.TrimSpace(line)
	for {
		rest = strings.TrimPrefix(rest, "- ")
		r.once(strings.Trim(rest, `"', `))
		at := strings.IndexAny(rest, ":=")
		if at < 0 {
			return
		}
		rest = strings.TrimSpace(rest[at+1:])
	}
}

// pattern takes a regular expression that chooses images by their names.
func (r *reading) pattern(text string) {
	re, err := regexp.Compile(text)
	if err != nil {
		r.odd = append(r.odd, r.line)
		return
	}
	r.found = append(r.found, found{pattern: re, use: r.use()})
}

// matches reports whether the image has all the tags, or a name that the pattern matches.
func (f found) matches(img *glance.Image) bool {
	if f.pattern != nil {
		return img.Name != "" && f.pattern.MatchString(img.Name)
	}
	return !slices.ContainsFunc(f.tags, func(t string) bool { return !slices.Contains(img.Tags, t) })
}
