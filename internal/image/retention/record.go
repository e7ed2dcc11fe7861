package retention

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/image/promote"
	"github.com/imgctl/packer-plugin-openstack/internal/image/usage"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
)

// Words in Group that aren't properties.
const (
	Family = "family" // the name that the image is, or was, current under
	name   = "name"
	owner  = "owner"
)

// FamilyOf is the name that an image is, or was, current under: its own if no promotion tells.
func FamilyOf(img *glance.Image) string {
	return cmp.Or(img.Properties[promote.ArchivedFromKey], img.Properties[promote.CurrentKey], img.Name)
}

// selector is a policy's Select, ready to use.
type selector struct {
	Select
	names, families []*regexp.Regexp
	properties      map[string]*regexp.Regexp
	owners          []string
}

// selecting is the policy's selector for the credentials' project.
func (p *Policy) selecting(project string) *selector {
	s := &selector{Select: p.Select, properties: map[string]*regexp.Regexp{}, owners: p.Select.Owners}
	if len(s.owners) == 0 {
		s.owners = []string{project}
	}
	for _, pattern := range p.Select.Names {
		s.names = append(s.names, glance.Glob(pattern))
	}
	for _, pattern := range p.Select.Families {
		s.families = append(s.families, glance.Glob(pattern))
	}
	for key, pattern := range p.Select.Properties {
		s.properties[key] = glance.Glob(pattern)
	}
	return s
}

// owns reports whether the policy is about the images of a project.
func (s *selector) owns(project string) bool {
	return slices.Contains(s.owners, AnyOwner) || slices.Contains(s.owners, project)
}

// selects reports whether the image meets all conditions. Records without an image, such as claims of names, and
// unfinished images of runs meet none.
func (s *selector) selects(img *glance.Image) bool {
	if !s.owns(img.Owner) || promote.ClaimedName(img) != "" || img.Properties[ledgerKey] != "" || isStaged(img) {
		return false
	}
	if len(s.names) > 0 && !matches(s.names, img.Name) || len(s.families) > 0 && !matches(s.families, FamilyOf(img)) {
		return false
	}
	for key, pattern := range s.properties {
		if value, ok := img.Properties[key]; !ok || !pattern.MatchString(value) {
			return false
		}
	}
	return !slices.ContainsFunc(s.Tags, func(t string) bool { return !slices.Contains(img.Tags, t) })
}

// isStaged reports whether a run is still making the image, or died while it did.
func isStaged(img *glance.Image) bool {
	_, staged := cloud.NamedRun(img.Name)
	return staged || img.Properties[glance.CopyingKey] != ""
}

func matches(patterns []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}

// record is what a decision needs to know about an image.
type record struct {
	id, name, owner, family string
	group                   string
	status, visibility      string
	hidden, protected, ours bool // ours: protected by retention
	kept                    bool // imgctl_keep
	reach                   usage.Reach
	promoting               bool // a promotion is changing it
	pointed                 bool // it is current by a pointer
	archivedBy              string
	tags                    []string
	size                    int64
	created                 time.Time
	promoted, archived      time.Time // zero where nobody promoted or archived it
	built                   time.Time // in the policy's property
	builtText               string
	stage                   string
	stagedAt                time.Time
	halfway                 bool // a run died between marking the image and deactivating it
	releasing               bool // a run died while it deleted the image
	state                   string
}

// recordOf reads an image for a policy.
func (p *Policy) recordOf(img *glance.Image) *record {
	r := &record{
		id: img.ID, name: img.Name, owner: img.Owner, family: FamilyOf(img), group: p.groupOf(img), status: img.Status,
		visibility: img.Visibility, hidden: img.Hidden, protected: img.Protected, ours: img.Properties[ProtectedKey] == "true",
		kept: img.Properties[KeepKey] == "true", reach: usage.ReachOf(img), promoting: promote.Unsettled(img),
		pointed:    img.Properties[promote.CurrentKey] != "",
		archivedBy: img.Properties[promote.ArchivedByKey], tags: img.Tags, size: img.Size,
		created: img.CreatedAt.UTC(), promoted: when(img, promote.PromotedKey), archived: when(img, promote.ArchivedAtKey),
		stage: StageOf(img), stagedAt: stageAt(img), releasing: img.Properties[releasingKey] != "", state: stateOf(img),
	}
	r.halfway = (r.stage == Deactivate || r.stage == Trash) && r.status == glance.StatusActive
	if p.Age.From == Property {
		r.builtText = img.Properties[p.Age.Property]
		r.built, _ = ParseMoment(r.builtText) // unreadable: the decision says so
	}
	return r
}

func when(img *glance.Image, key string) time.Time {
	at, _ := time.Parse(time.RFC3339, img.Properties[key]) // unreadable counts as none
	return at.UTC()
}

// groupOf is what the images of one group have in common, as text.
func (p *Policy) groupOf(img *glance.Image) string {
	parts := make([]string, 0, len(p.Group))
	for _, key := range p.Group {
		switch key {
		case Family:
			parts = append(parts, FamilyOf(img))
		case name:
			parts = append(parts, img.Name)
		case owner:
			parts = append(parts, img.Owner)
		default:
			parts = append(parts, cmp.Or(img.Properties[key], "-"))
		}
	}
	if !slices.Contains(p.Group, owner) && (len(p.Select.Owners) > 1 || slices.Contains(p.Select.Owners, AnyOwner)) {
		parts = append(parts, img.Owner) // another project's image takes nobody's place
	}
	return strings.Join(parts, " / ")
}

// ParseMoment reads a time of a property: RFC 3339, a date or date and time in UTC, or seconds since 1970.
func ParseMoment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	// A smaller number is a date such as 20260131, or a version.
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 1e8 && seconds < 1e11 {
		return time.UnixMicro(int64(seconds * 1e6)).UTC(), true
	}
	return time.Time{}, false
}

// stateOf identifies all of an image that a decision depends on. Properties that only retention writes count,
// too: a second run beside this one changes them.
func stateOf(img *glance.Image) string {
	h := sha256.New()
	write := func(parts ...string) {
		for _, part := range parts {
			h.Write([]byte(strconv.Quote(part)))
		}
	}
	write(img.Name, img.Status, img.Owner, img.Visibility, strconv.FormatBool(img.Hidden), strconv.FormatBool(img.Protected))
	write(slices.Sorted(slices.Values(img.Tags))...)
	for _, key := range slices.Sorted(maps.Keys(img.Properties)) {
		write(key, img.Properties[key])
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// before is an image as it was before retention first changed it.
type before struct {
	Visibility string            `json:"visibility"`
	Hidden     bool              `json:"hidden"`
	Status     string            `json:"status"`
	Members    map[string]string `json:"members,omitempty"` // status by project id
	Replaced   *string           `json:"replaced_by,omitempty"`
}

func (b *before) encode() string {
	text, err := json.Marshal(b)
	if err != nil {
		panic(err) // it is made of texts
	}
	return string(text)
}

// beforeOf reads what an image was before; nil if nothing tells.
func beforeOf(img *glance.Image) *before {
	var b before
	if json.Unmarshal([]byte(img.Properties[BeforeKey]), &b) != nil || b.Status == "" {
		return nil
	}
	return &b
}
