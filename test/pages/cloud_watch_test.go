package pages_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/watch"
)

// The page of a watched cloud says first what is worse, and shows nothing of the cloud's as markup.
func TestCloudWatchInChromium(t *testing.T) {
	t.Parallel()
	h := &watch.History{Version: 1, Cloud: "<b>zuul</b>", Region: "North"}
	end := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	for hours := 40 * 24; hours >= 0; hours -= 6 {
		s := watch.Sample{
			At: end.Add(-time.Duration(hours) * time.Hour), Requests: 100, Failed: hours % 5, API: 0.5 + float64(hours%7)/10, Boots: 5,
			Boot: 30 + float64(hours%11), Upload: 50 - float64(hours%13),
		}
		if hours < 24 {
			s.Boot = 90
		}
		h.Add(s)
	}
	var text bytes.Buffer
	if err := h.WriteHTML(&text, 1.5); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "watch.html")
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?:src|href)="[a-z]+:|url\(|@import`).Find(text.Bytes()); found != nil {
		t.Errorf("the page asks the network: %s", found)
	}
	dom := string(browse(t, "file://"+page, "--dump-dom"))
	if !strings.Contains(dom, "one figure is worse") || !strings.Contains(dom, "Worse: 90 s in the last day") ||
		strings.Contains(dom, "<b>zuul") {
		t.Errorf("the page doesn't say what is worse, or the cloud's name is markup:\n%.2000s", dom)
	}
	for _, look := range []struct{ name, size, flags string }{
		{"watch", "1180,1500", ""}, {"watch-narrow", "390,1200", ""}, {"watch-dark", "1180,1500", "--force-dark-mode"},
	} {
		t.Run(look.name, func(t *testing.T) { picture(t, "file://"+page, look.name, look.size, look.flags) })
	}
}
