// Package pages_test looks at our pages in a real browser.
package pages_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/image/retention"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

var update = flag.Bool("update", false, "write the screenshots in docs")

const policy = `version: 1
name: base images
select: {names: ["*"]}
keep: 2
age: {from: superseded}
stages: {1mo: deprecate, 2mo: hide, 9mo: trash, 12mo: delete}
grace: 30d
may_be_missing: [absent-services]
`

func TestRetentionInChromium(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "images.html")
	var text bytes.Buffer
	if err := world(t).WriteHTML(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if found := regexp.MustCompile(`(?:src|href)="[a-z]+:|url\(|@import`).Find(text.Bytes()); found != nil {
		t.Errorf("the page asks the network: %s", found)
	}
	t.Run("it works", func(t *testing.T) { works(t, text.String()) })
	for _, look := range []struct{ name, size, flags string }{
		{"retention-report", "1180,1500", ""}, {"narrow", "390,1200", ""}, {"dark", "1180,1500", "--force-dark-mode"},
	} {
		t.Run(look.name, func(t *testing.T) { picture(t, "file://"+page, look.name, look.size, look.flags) })
	}
}

// world is a plan for a cloud with some families of images.
func world(t *testing.T) *retention.Plan {
	t.Helper()
	sb := sandboxtest.Start(t, sandbox.Options{ServerQuotas: sandbox.ServerQuotas{Instances: 100, Cores: 100, RAM: 1 << 20}})
	now := time.Now().UTC()
	admin := cloudtest.Connect(t, sb.CloudsYAML(), "admin")
	sc, err := admin.Compute()
	if err != nil {
		t.Fatal(err)
	}
	for n, family := range []string{"ubuntu-24.04", "ubuntu-22.04", "debian-13", "rocky-9-cuda", `odd <b>"name"</b>`} {
		ages := [][]int{{1, 2, 4, 7, 11, 15}, {1, 5, 12, 20}, {0, 3}, {2, 4, 12, 13}, {3}}[n]
		successor := ""
		for k, age := range ages {
			at := now.AddDate(0, -age, -3-n)
			properties := map[string]string{}
			name := family
			if k == 0 {
				properties["imgctl_promoted"] = at.Format(time.RFC3339)
			} else {
				name += at.Format(" 2006-01-02")
				properties["imgctl_archived_from"], properties["imgctl_archived_by"] = family, successor
				archived := now.AddDate(0, -ages[k-1], -3-n)
				properties["imgctl_archived_at"] = archived.Format(time.RFC3339)
				if months := ages[k-1]; months >= 2 && (age != 12 || n != 3) {
					properties["imgctl_stage"], properties["imgctl_stage_at"] = "hide", archived.AddDate(0, 2, 1).Format(time.RFC3339)
				}
			}
			id, err := sb.AddImage(sandbox.Image{
				Name: name, Project: "admin", Visibility: "public", Data: bytes.Repeat([]byte("x"), (1+n+k)<<20), CreatedAt: at,
				Properties: properties, Hidden: properties["imgctl_stage"] != "",
			})
			if err != nil {
				t.Fatal(err)
			}
			if (n+k)%3 == 0 {
				for u := range 1 + k {
					o := servers.CreateOpts{Name: fmt.Sprintf("node-%d%d", n, u), ImageRef: id, FlavorRef: "1"}
					if _, err := servers.Create(t.Context(), sc, o, nil).Extract(); err != nil {
						t.Fatal(err)
					}
				}
			}
			successor = id
		}
	}
	site, err := retention.NewSite(admin, retention.UsersIn([]*cloud.Cloud{admin}, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	p, err := retention.ParsePolicy([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := retention.NewPlan(t.Context(), site, p)
	if err != nil {
		t.Fatal(err)
	}
	plan.Cloud = "images"
	return plan
}

// browse runs Chromium, which a container's root has to run without its own sandbox.
func browse(t *testing.T, address string, args ...string) []byte {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, append([]string{
		"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--user-data-dir=" + t.TempDir(), "--virtual-time-budget=3000",
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
	}, append(args, address)...)...)
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return out
}

// works has a copy of the page without its Content-Security-Policy filter and sort itself, and reads the result.
func works(t *testing.T, text string) {
	t.Helper()
	const drive = `<script>
const rows = () => [...document.querySelectorAll("#images tbody tr")].filter(r => !r.hidden).map(r => r.cells[0].firstChild.textContent);
const say = (what, value) => {
  const p = document.createElement("p"); p.className = "said";
  p.textContent = what + "=" + value;
  document.body.append(p);
};
const search = document.querySelector("input[type=search]");
const type = text => { search.value = text; search.dispatchEvent(new Event("input")); };
say("all", document.querySelector("output").textContent);
type("rocky"); say("rocky", rows().every(n => n.startsWith("rocky")) && rows().length);
type("no such image"); say("none", rows().length);
type("");
const head = document.querySelectorAll("#images thead button");
head[0].focus(); say("keyboard", document.activeElement === head[0]);
head[0].click(); say("up", rows().join() === rows().toSorted((a, b) => a.localeCompare(b)).join());
head[0].click(); say("down", rows()[0].startsWith("ubuntu-24.04"));
head[2].click(); say("by age", document.querySelectorAll("#images thead th")[2].getAttribute("aria-sort"));
const stage = document.querySelector("select[name=stage]"); stage.value = "hide"; stage.dispatchEvent(new Event("change"));
say("hidden", rows().length > 0 && rows().length < 17);
say("bars", document.querySelectorAll("svg .bar").length > 20);
say("escaped", document.querySelectorAll("#images b").length);
say("wide", document.documentElement.scrollWidth <= innerWidth);
</script></html>`
	csp := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	if !csp.MatchString(text) {
		t.Error("the page has no Content-Security-Policy")
	}
	copied := filepath.Join(t.TempDir(), "copy.html")
	text = strings.Replace(csp.ReplaceAllString(text, ""), "</html>", drive, 1)
	if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	dom := string(browse(t, "file://"+copied, "--dump-dom", "--window-size=390,900"))
	for _, want := range []string{
		"all=17 of 17", "rocky=4", "none=0", "keyboard=true", "up=true", "down=true", "by age=ascending", "hidden=true", "bars=true",
		"escaped=0", "wide=true",
	} {
		if !strings.Contains(dom, ">"+want+"<") {
			t.Errorf("the page doesn't say %q: %q", want, regexp.MustCompile(`class="said">[^<]*`).FindAllString(dom, -1))
		}
	}
}

// picture takes a screenshot, and keeps it in the docs if that is asked for.
func picture(t *testing.T, address, name, size, flags string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".png")
	args := []string{"--screenshot=" + file, "--window-size=" + size}
	if flags != "" {
		args = append(args, flags)
	}
	browse(t, address, args...)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	colours := map[string]bool{}
	for y := 0; y < img.Bounds().Dy(); y += 3 {
		for x := 0; x < img.Bounds().Dx(); x += 3 {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[fmt.Sprint(r>>12, g>>12, b>>12)] = true
		}
	}
	if len(colours) < 12 {
		t.Errorf("%s shows %d colours: is it blank?", name, len(colours))
	}
	if keep := os.Getenv("IMGCTL_PICTURES"); keep != "" {
		copyFile(t, file, filepath.Join(keep, name+".png"))
	}
	if *update && slices.Contains([]string{"retention-report", "factory"}, name) {
		keepPicture(t, img, filepath.Join("..", "..", "docs", name+".png"))
	}
}

// keepPicture writes a picture with its 256 most frequent colours, which makes it small.
func keepPicture(t *testing.T, img image.Image, file string) {
	t.Helper()
	count := map[color.Color]int{}
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[color.RGBAModel.Convert(img.At(x, y))]++
		}
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int { return count[b] - count[a] })
	small := image.NewPaletted(b, most[:min(len(most), 256)])
	draw.Draw(small, b, img, b.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
