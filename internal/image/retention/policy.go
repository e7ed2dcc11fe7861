package retention

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// Policy says which images leave, when and how.
type Policy struct {
	Name   string   `json:"name"`
	Select Select   `json:"select"`
	Group  []string `json:"group"` // properties, or the words family, name and owner
	Keep   int      `json:"keep"`  // the newest usable images of each group, at least 1
	// KeepBaseName keeps the image whose name the others of its group extend, such as web beside web-1 and web_2.
	KeepBaseName bool    `json:"keep_base_name,omitempty"`
	MinAge       Span    `json:"min_age"`
	Age          Age     `json:"age"`
	Stages       []Stage `json:"stages"` // by time, and by severity

	Skip         []string `json:"skip,omitempty"`           // ids of images to leave alone
	SkipInUse    []string `json:"skip_in_use,omitempty"`    // actions that images in use are spared, besides those that harm users
	MayBeMissing []string `json:"may_be_missing,omitempty"` // of MissingWords: what images may be deleted without
	Budget       Budget   `json:"budget"`
	Grace        Span     `json:"grace"` // between the run that first marks an image and its deletion
}

// Select are conditions that an image must meet, all of those that are set. Patterns are shell globs.
type Select struct {
	Names      []string          `json:"names,omitempty"`      // one of these patterns matches the name
	Families   []string          `json:"families,omitempty"`   // one of these patterns matches the family's name
	Tags       []string          `json:"tags,omitempty"`       // all of them
	Properties map[string]string `json:"properties,omitempty"` // all of them, each with a pattern of its value
	Owners     []string          `json:"owners,omitempty"`     // one of these projects; none is the credentials' own, "any" is all
}

// AnyOwner in Owners means the images of all projects.
const AnyOwner = "any"

// What an age is counted from.
const (
	Superseded = "superseded" // the moment an image's successor was promoted
	Created    = "created"    // created_at
	Property   = "property"   // a time in a property
)

// Age is what images' ages are counted from.
type Age struct {
	From      string `json:"from"`
	Property  string `json:"property,omitempty"`  // with From Property
	Otherwise string `json:"otherwise,omitempty"` // Superseded or Created where the property is missing; "": such an image stays
}

// Stage is an action for images of some age.
type Stage struct {
	At     Span   `json:"at"`
	Action string `json:"action"`
}

// Budget is how many images one run may delete: the smaller of both, but always one.
type Budget struct {
	Images  int `json:"images"`
	Percent int `json:"percent"` // of the images that the policy selects
}

// of is the budget for a number of selected images.
func (b Budget) of(selected int) int {
	return min(b.Images, max(1, selected*b.Percent/100))
}

// Defaults of what a policy may leave out.
const (
	defaultKeep    = 2
	defaultImages  = 10
	defaultPercent = 20
)

// Span is a duration that counts months by the calendar.
type Span struct {
	quantity.Span
	Text string // as the policy has it, such as 12mo
}

// MarshalJSON writes the span as the policy has it.
func (s Span) MarshalJSON() ([]byte, error) { return json.Marshal(s.Text) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Span) UnmarshalJSON(b []byte) (err error) {
	if err := json.Unmarshal(b, &s.Text); err != nil {
		return err
	}
	s.Span, err = quantity.ParseSpan(s.Text)
	return err
}

func span(text string) Span {
	s, err := quantity.ParseSpan(text)
	if err != nil {
		panic(err) // one of this package's own
	}
	return Span{s, text}
}

// complete fills in what the policy leaves out.
func (p *Policy) complete() {
	if len(p.Group) == 0 {
		p.Group = []string{Family}
	}
	p.Keep = cmp.Or(p.Keep, defaultKeep)
	if p.MinAge.Text == "" {
		p.MinAge = span("30d")
	}
	if p.Grace.Text == "" {
		p.Grace = span("7d")
	}
	p.Age.From = cmp.Or(p.Age.From, Superseded)
	p.Budget.Images = cmp.Or(p.Budget.Images, defaultImages)
	p.Budget.Percent = cmp.Or(p.Budget.Percent, defaultPercent)
}

// Digest identifies the policy's content.
func (p *Policy) Digest() string {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // it is made of texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// spares reports whether the policy spares images in use an action.
func (p *Policy) spares(action string) bool {
	return harms(action) || slices.Contains(p.SkipInUse, action)
}
