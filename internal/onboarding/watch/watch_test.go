package watch_test

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/watch"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloud"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/cloudtest"
	"github.com/imgctl/packer-plugin-openstack/internal/openstack/glance"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
	"github.com/imgctl/packer-plugin-openstack/sandbox/sandboxtest"
)

func images(t *testing.T, c *cloud.Cloud) int {
	t.Helper()
	sc, err := c.Image()
	if err != nil {
		t.Fatal(err)
	}
	all, err := glance.New(sc).Images(t.Context(), glance.Query{Owner: c.Project().ID, BothHidden: true})
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// broken asks for a server that finds no host, and waits until Nova says so.
func broken(t *testing.T, sb *sandbox.Cloud, c *cloud.Cloud) {
	t.Helper()
	image, err := sb.AddImage(sandbox.Image{Name: "debian", Visibility: sandbox.Public, Project: "admin", Data: []byte("a disk")})
	if err != nil {
		t.Fatal(err)
	}
	sc, err := c.Compute()
	if err != nil {
		t.Fatal(err)
	}
	sc.Microversion = "2.37" // the first that knows servers without networks
	s, err := servers.Create(t.Context(), sc, servers.CreateOpts{Name: "np1", ImageRef: image, FlavorRef: "90", Networks: "none"},
		nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	err = cloud.Poll(t.Context(), "the server to break", time.Minute, func(ctx context.Context) (bool, error) {
		now, err := servers.Get(ctx, sc, s.ID).Extract()
		return err == nil && now.Status == "ERROR", err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMeasures(t *testing.T) {
	t.Parallel()
	sb := sandboxtest.Start(t, sandbox.Options{})
	c := cloudtest.Connect(t, sb.CloudsYAML(), "demo")
	now := time.Now()
	if _, err := sb.AddServers(sandbox.Server{Project: "demo", CreatedAt: now.Add(-time.Hour)}); err != nil {
		t.Fatal(err)
	}
	broken(t, sb, c)
	s, err := watch.Measure(t.Context(), c, watch.Options{At: now, Since: now.Add(-2 * time.Hour), Upload: 1 << 20})
	if err != nil || s.Requests != 20 || s.Failed != 0 || s.API <= 0 || s.Upload <= 0 || s.Broken != 1 || s.Boots != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if n := images(t, c); n != 0 {
		t.Errorf("%d images are left", n)
	}
	// A failed request that is repeated counts; servers from before the last sample don't.
	sb.Faults().Add(sandbox.Rule{Path: "/network/**", Nth: 2, Fault: sandbox.Status(503)})
	s, err = watch.Measure(t.Context(), c, watch.Options{At: now, Since: now.Add(time.Minute)})
	if err != nil || s.Requests != 21 || s.Failed != 1 || s.Broken != 0 || s.Boots != 0 || s.Upload != 0 {
		t.Errorf("with a fault: %+v, %v", s, err)
	}
	sb.Faults().Add(sandbox.Rule{Path: "/**", Fault: sandbox.Status(403)})
	if _, err := watch.Measure(t.Context(), c, watch.Options{At: now}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("nothing answers: %v", err)
	}
	if _, err := watch.Measure(t.Context(), c, watch.Options{At: now, Upload: -1}); !fault.Is(err, fault.Usage) {
		t.Errorf("a negative size: %v", err)
	}
}

// Whatever request fails, no image is left, or one that a sweep recognizes.
func TestAnUploadThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, f := range []sandbox.Fault{sandbox.Status(500), sandbox.Status(403), {Do: sandbox.DropAfter}} {
		for nth := 1; nth < 12; nth++ {
			sb := sandboxtest.Start(t, sandbox.Options{})
			c := cloudtest.Connect(t, sb.CloudsYAML(), "demo")
			run := cloud.NewRun()
			sb.Faults().Add(sandbox.Rule{Path: "/image/**", Nth: nth, Fault: f})
			_, err := watch.Measure(t.Context(), c, watch.Options{At: time.Now(), Upload: 1000, Run: run})
			sb.Faults().Clear()
			if n := images(t, c); n != 0 && (err == nil || !strings.Contains(err.Error(), "sweep")) {
				t.Errorf("%s at request %d: %d images are left (%v)", f, nth, n, err)
			}
		}
	}
}

// history has a sample an hour for 20 days, and another for each of the last day's hours.
func history(before, last watch.Sample) *watch.History {
	h := &watch.History{Version: 1, Cloud: "zuul"}
	end := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	for hours := 20 * 24; hours >= 0; hours-- {
		s := before
		if hours < 24 {
			s = last
		}
		s.At = end.Add(-time.Duration(hours) * time.Hour)
		h.Add(s)
	}
	return h
}

var usual = watch.Sample{Requests: 100, Failed: 1, API: 1, Boots: 10, Broken: 0, Boot: 40, Upload: 50}

func TestJudges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*watch.Sample)
		worse  string
	}{
		{"as usual", func(*watch.Sample) {}, ""},
		{"servers boot slowly", func(s *watch.Sample) { s.Boot = 61 }, "boot"},
		{"not quite", func(s *watch.Sample) { s.Boot = 60 }, ""},
		{"quicker", func(s *watch.Sample) { s.Boot = 4 }, ""},
		{"servers break", func(s *watch.Sample) { s.Broken = 5 }, "broken"},
		{"lists take longer", func(s *watch.Sample) { s.API = 1.6 }, "api"},
		{"requests fail", func(s *watch.Sample) { s.Failed = 5 }, "errors"},
		{"uploads are slow", func(s *watch.Sample) { s.Upload = 30 }, "upload"},
		{"uploads are quick", func(s *watch.Sample) { s.Upload = 300 }, ""},
		{"nothing boots", func(s *watch.Sample) { s.Boots = 0 }, ""},
	} {
		last := usual
		c.change(&last)
		var worse []string
		for _, v := range history(usual, last).Judge(1.5) {
			if v.Worse {
				worse = append(worse, v.Name)
			}
		}
		if got := strings.Join(worse, " "); got != c.worse {
			t.Errorf("%s: worse is %q, want %q", c.name, got, c.worse)
		}
	}
	short := &watch.History{}
	for n := range 5 {
		s := usual
		s.At, s.Boot = time.Date(2027, 1, 27+n, 12, 0, 0, 0, time.UTC), float64(10*(n*n*n+1))
		short.Add(s)
	}
	for _, v := range short.Judge(1.5) {
		if v.Worse {
			t.Errorf("after %d days, %s is called worse", v.Days, v.Name)
		}
	}
}

func TestKeepsASmallFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "zuul.json")
	h, err := watch.Read(file, "zuul", "")
	if err != nil || !h.Last().IsZero() {
		t.Fatalf("%+v, %v", h, err)
	}
	h = history(usual, usual)
	old := usual
	old.At = h.Last().AddDate(-1, 0, 0)
	h.Add(old)
	if err := h.Write(file); err != nil {
		t.Fatal(err)
	}
	again, err := watch.Read(file, "zuul", "")
	if err != nil || len(again.Samples) != 481 || !again.Last().Equal(h.Last()) {
		t.Errorf("%d samples, %v", len(again.Samples), err)
	}
	g, help := again.Gauges()
	if len(help) != 5 || g["boot_seconds"] != 40 || math.Abs(g["requests_failed_percent"]-1) > 1e-9 || len(g) != 5 {
		t.Errorf("%v", g)
	}
	if _, err := watch.Read(file, "other", ""); !fault.Is(err, fault.Usage) || !strings.Contains(err.Error(),
		`is the history of cloud "zuul"`) {
		t.Errorf("of another cloud: %v", err)
	}
	for _, bad := range []string{"", "{", `{"version": 2}`, `{"vresion": 1}`, "[]", "\x00"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Read(file, "zuul", ""); !fault.Is(err, fault.Usage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	slow := usual
	slow.Boot = 90
	var out bytes.Buffer
	h := history(usual, slow)
	h.Cloud = "<zuul>"
	if err := h.WriteHTML(&out, 1.5); err != nil {
		t.Fatal(err)
	}
	for _, has := range []string{
		"In the last day, one figure is worse", "Worse: 90 s in the last day, 40 s before.", "Cloud &lt;zuul&gt;", `class="bar bad"`,
	} {
		if !strings.Contains(out.String(), has) {
			t.Errorf("the page doesn't say %q", has)
		}
	}
	if n := strings.Count(out.String(), "<rect"); n != 5*21 {
		t.Errorf("there are %d bars", n)
	}
	if err := (&watch.History{}).WriteHTML(&out, 1.5); err != nil {
		t.Error(err)
	}
}

// Of samples that runs add at the same time, none is lost.
func TestManyRunsAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.json")
	const many = 12
	var all sync.WaitGroup
	for n := range many {
		all.Go(func() {
			at := time.Now().Add(time.Duration(n) * time.Second)
			if _, err := watch.Record(t.Context(), path, "ci", "", watch.Sample{At: at}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	h, err := watch.Read(path, "ci", "")
	if err != nil || len(h.Samples) != many {
		t.Errorf("%d samples of %d, %v", len(h.Samples), many, err)
	}
}
