package boottest

import (
	"context"
	"strings"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/internal/report"
)

// Properties that a test leaves on the image.
const (
	ResultKey = "imgctl_boot_test"        // Passed or Failed
	AtKey     = "imgctl_boot_test_at"     // when, RFC 3339
	OfKey     = "imgctl_boot_test_of"     // identifies the image and the options of the test
	ReasonKey = "imgctl_boot_test_reason" // of a failure
)

// Keys are all of them.
var Keys = []string{ResultKey, AtKey, OfKey, ReasonKey}

// Results of a test.
const (
	Passed = "passed"
	Failed = "failed"
)

// passed reports whether the image has passed this test. Another image's marks, which a snapshot takes over from
// the image of its server, don't count.
func passed(img *glance.Image, o Options) bool {
	o.Image = img.ID
	return img.Properties[ResultKey] == Passed && img.Properties[OfKey] == o.digest()
}

// markTime is for marking the image, even if the run was cancelled meanwhile.
const markTime = 30 * time.Second

// mark notes the result on the image. Not everybody who can boot an image may change it; the result counts
// without the mark, too.
func (p *Plan) mark(ctx context.Context, rep report.Reporter, result, reason string) {
	c := p.site.Cloud
	if p.Options.Unmarked || p.Image.Owner != c.Project().ID && !c.IsAdmin() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markTime)
	defer cancel()
	err := change.DefaultRetry.Do(ctx, func(ctx context.Context) error {
		now, err := p.site.Images.Image(ctx, p.Image.ID)
		if err != nil {
			return err
		}
		patch := glance.Patch{}.Set(ResultKey, result).Set(AtKey, c.Now().Format(time.RFC3339)).Set(OfKey, p.Options.digest())
		if reason != "" {
			patch = patch.Set(ReasonKey, reason)
		} else if _, ok := now.Properties[ReasonKey]; ok {
			patch = patch.Remove(ReasonKey)
		}
		img, err := p.site.Images.Update(ctx, p.Image.ID, patch)
		if err == nil {
			p.Image = img
		}
		return err
	})
	if err != nil {
		rep.Warn("the result of the boot test isn't noted on image %s: %v", p.Image, err)
	}
}

// maxReason is how much of a failure's reason fits on the image, in bytes.
const maxReason = 250

// short is the first line of a text, cut where a property would be too long.
func short(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "") + "…"
	}
	return text
}
