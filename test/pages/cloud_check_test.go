package pages_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/check"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

// The page for those who donate a cloud shows what there is to do first, and nothing of the cloud's as markup.
func TestCloudCheckInChromium(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	compute, err := admin.Compute()
	if err != nil {
		t.Fatal(err)
	}
	odd := flavors.CreateOpts{Name: `odd <b>"name"</b>`, RAM: 8192, VCPUs: 8, Disk: new(80)}
	if err := flavors.Create(t.Context(), compute, odd).Err; err != nil {
		t.Fatal(err)
	}
	p, err := check.NewPlan(t.Context(), check.Options{
		Profile: check.Shipped(check.OpenDev), Test: cloudtest.Connect(t, sb.CloudsYAML(), "demo"),
		Control: cloudtest.Connect(t, sb.CloudsYAML(), "member-a"),
	})
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := p.WriteHTML(&text); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "donor.html")
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?:src|href)="[a-z]+:|url\(|@import`).Find(text.Bytes()); found != nil {
		t.Errorf("the page asks the network: %s", found)
	}
	dom := string(browse(t, "file://"+page, "--dump-dom"))
	first, rest, _ := strings.Cut(dom, `id="all"`)
	if !strings.Contains(first, "raise the quotas of project demo") || !strings.Contains(first, "requirements must be met first") {
		t.Errorf("the page doesn't begin with what there is to do:\n%s", first)
	}
	if !strings.Contains(rest, "odd &lt;b&gt;") || strings.Contains(dom, "<b>\"name\"") {
		t.Error("the name of a flavor is markup, or isn't shown")
	}
	for _, look := range []struct{ name, size, flags string }{
		{"cloud", "1180,1500", ""}, {"cloud-narrow", "390,1200", ""}, {"cloud-dark", "1180,1500", "--force-dark-mode"},
	} {
		t.Run(look.name, func(t *testing.T) { picture(t, "file://"+page, look.name, look.size, look.flags) })
	}
}
