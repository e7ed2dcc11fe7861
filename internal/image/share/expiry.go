package share

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// expiries says until when an image is shared with which project, by project id. What isn't there
// has no end.
type expiries map[string]time.Time

// expiriesOf reads the property; an image without it has none.
func expiriesOf(img *glance.Image) (expiries, error) {
	text, ok := img.Properties[ExpiresKey]
	if !ok {
		return expiries{}, nil
	}
	var e expiries
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return nil, fault.New(fault.Conflict, "correct or remove the property", "reading property %s of image %s: %w", ExpiresKey, img, err)
	}
	if e == nil {
		e = expiries{}
	}
	return e, nil
}

// expired are the ids of the projects whose time is over, in order.
func (e expiries) expired(now time.Time) []string {
	var over []string
	for _, id := range sortedKeys(e) {
		if !e[id].After(now) {
			over = append(over, id)
		}
	}
	return over
}

// patch makes the property say e, given whether the image has it.
func (e expiries) patch(p glance.Patch, has bool) (glance.Patch, error) {
	switch {
	case len(e) == 0 && has:
		return p.Remove(ExpiresKey), nil
	case len(e) == 0:
		return p, nil
	}
	utc := make(map[string]string, len(e))
	for id, t := range e {
		utc[id] = t.UTC().Format(time.RFC3339)
	}
	return setJSON(p, ExpiresKey, utc)
}

func setJSON(p glance.Patch, key string, value any) (glance.Patch, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return p, err
	}
	if len(text) > glance.MaxProperty {
		return p, fmt.Errorf("property %s would be %d bytes long, more than the %d that the service keeps", key, len(text),
			glance.MaxProperty)
	}
	return p.Set(key, string(text)), nil
}

// suspendedOf reads who had access to an image when it was suspended; ok is false if it wasn't.
func suspendedOf(img *glance.Image) (status map[string]string, ok bool, err error) {
	text, ok := img.Properties[SuspendedKey]
	if !ok {
		return nil, false, nil
	}
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return nil, true, fault.New(fault.Conflict, "correct or remove the property", "reading property %s of image %s: %w", SuspendedKey,
			img, err)
	}
	return status, true, nil
}

// ParseExpiry reads when a share ends: a length of time from now on, such as 30d, 7d12h or 12mo, or a
// time as RFC 3339 has it. Nothing, and a time that is over, are fault.Usage.
func ParseExpiry(text string, now time.Time) (time.Time, error) {
	const advice = "give a length of time such as 30d or 12mo, or a time such as 2027-01-31T00:00:00Z"
	if strings.TrimSpace(text) == "" {
		return time.Time{}, fault.Bad("expires", advice, "it is empty")
	}
	at, err := quantity.ParseWhen(text, now)
	switch {
	case err != nil:
		return at, fault.Bad("expires", advice, "the end of the share %q can't be read", text)
	case !at.After(now):
		return at, fault.Bad("expires", "give a time to come", "the end of the share %q is over already", text)
	}
	return at.UTC().Truncate(time.Second), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
