package dashboard_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/dashboard"
)

// shown is what a test reads of a dashboard.
type shown struct {
	Title      string `json:"title"`
	Templating struct {
		List []struct{ Name, Query string } `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID         int
		Type       string
		Title      string
		DataSource *struct{ Type, UID string }
		GridPos    struct{ X, Y, W, H int }
		Targets    []struct{ RefID, Target, Expr string }
	} `json:"panels"`
}

func made(t *testing.T, o dashboard.Options) shown {
	t.Helper()
	text, err := dashboard.Make(o)
	if err != nil {
		t.Fatal(err)
	}
	var s shown
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

var rows = []string{"Nodes", "Test Nodes", "Node Launches", "API Operations"}

func TestBothSourcesShowTheSame(t *testing.T) {
	t.Parallel()
	a := made(t, dashboard.Options{Provider: "rax", Source: dashboard.Graphite})
	b := made(t, dashboard.Options{Provider: "rax", Source: dashboard.Prometheus, DataSource: "prom1"})
	if len(a.Panels) != len(b.Panels) || len(a.Panels) != 22 || a.Title != "Nodepool: rax" {
		t.Fatalf("%q has %d panels, for Prometheus %d", a.Title, len(a.Panels), len(b.Panels))
	}
	taken, titles, ids := map[[2]int]string{}, []string{}, map[int]bool{}
	for n, p := range a.Panels {
		q := b.Panels[n]
		if p.Title != q.Title || p.Type != q.Type || len(p.Targets) != len(q.Targets) || ids[p.ID] {
			t.Errorf("panel %+v is for Prometheus %+v", p, q)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			titles = append(titles, p.Title)
		}
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("panels %q and %q overlap at %d, %d", p.Title, other, x, y)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		for k := range p.Targets {
			g, e := p.Targets[k], q.Targets[k]
			if g.Target == "" || e.Expr == "" || g.Expr != "" || e.Target != "" || !strings.Contains(e.Expr, `provider=~"$region"`) ||
				!strings.Contains(g.Target, ".$region.") || strings.Count(g.Target, "(") != strings.Count(g.Target, ")") ||
				strings.Count(e.Expr, "(") != strings.Count(e.Expr, ")") {
				t.Errorf("panel %q asks for %q and %q", p.Title, g.Target, e.Expr)
			}
		}
		if p.Type != "row" && (q.DataSource == nil || q.DataSource.UID != "prom1" || p.DataSource.Type != "graphite") {
			t.Errorf("panel %q has the sources %v and %v", p.Title, p.DataSource, q.DataSource)
		}
	}
	if strings.Join(titles, "|") != strings.Join(rows, "|") {
		t.Errorf("rows are %q", titles)
	}
}

// TestSeries: each series that nodepool sends to Graphite and that operators watch is shown.
func TestSeries(t *testing.T) {
	t.Parallel()
	text, err := dashboard.Make(dashboard.Options{Provider: "rax", Source: dashboard.Graphite})
	if err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{
		"stats.gauges.nodepool.provider.$region.nodes.building", "stats.gauges.nodepool.provider.$region.nodes.ready",
		"stats.gauges.nodepool.provider.$region.nodes.in-use", "stats.gauges.nodepool.provider.$region.nodes.used",
		"stats.gauges.nodepool.provider.$region.nodes.deleting", "stats.gauges.nodepool.provider.$region.max_servers",
		"stats_counts.nodepool.launch.provider.$region.ready", "stats_counts.nodepool.launch.provider.$region.error.*",
		"stats.timers.nodepool.launch.provider.$region.ready.mean", "stats.timers.nodepool.task.$region.compute.POST.servers.*.mean",
		"stats.timers.nodepool.task.$region.compute.DELETE.server.*.mean", "stats.timers.nodepool.task.$region.compute.GET.limits.*.mean",
		"stats.timers.nodepool.task.$region.network.GET.subnets.*.mean",
	} {
		if !strings.Contains(string(text), series) {
			t.Errorf("%s isn't shown", series)
		}
	}
}

// TestMapping: every metric that the dashboard for Prometheus asks for is one that the exporter makes.
func TestMapping(t *testing.T) {
	t.Parallel()
	var m struct {
		Mappings []struct {
			Match, Name string
			Labels      map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(dashboard.Mapping), &m); err != nil {
		t.Fatal(err)
	}
	labels := map[string]map[string]string{}
	for _, one := range m.Mappings {
		labels[one.Name] = one.Labels
		if strings.Count(one.Match, "*") != len(one.Labels) {
			t.Errorf("%s has the labels %v", one.Match, one.Labels)
		}
	}
	asked := regexp.MustCompile(`(nodepool_\w+?)(_sum|_count)?\{([^}]*)\}`)
	for _, p := range made(t, dashboard.Options{Provider: "rax", Source: dashboard.Prometheus}).Panels {
		for _, q := range p.Targets {
			for _, found := range asked.FindAllStringSubmatch(q.Expr, -1) {
				known, ok := labels[found[1]]
				if !ok {
					t.Errorf("panel %q asks for %s, which nothing makes", p.Title, found[1])
				}
				for label := range strings.SplitSeq(found[3], ",") {
					if key, _, _ := strings.Cut(strings.ReplaceAll(label, "=~", "="), "="); known[key] == "" {
						t.Errorf("panel %q asks for the label %q of %s", p.Title, key, found[1])
					}
				}
			}
		}
	}
}

func TestRegions(t *testing.T) {
	t.Parallel()
	known := []string{"raxflex-sjc3", "rax-iad", "rax-dfw", "vexxhost"}
	for _, c := range []struct {
		o    dashboard.Options
		want string
	}{
		{dashboard.Options{Provider: "rax", Source: dashboard.Graphite}, "stats.gauges.nodepool.provider.{rax,rax-*}"},
		{dashboard.Options{Provider: "rax", Source: dashboard.Graphite, Known: known}, "stats.gauges.nodepool.provider.{rax-dfw,rax-iad}"},
		{dashboard.Options{Provider: "vexxhost", Source: dashboard.Graphite, Known: known}, "stats.gauges.nodepool.provider.vexxhost"},
		{
			dashboard.Options{Provider: "rax", Source: dashboard.Prometheus, Known: known},
			`label_values(nodepool_provider_max_servers{provider=~"rax-dfw|rax-iad"}, provider)`,
		},
		{
			dashboard.Options{Provider: "rax", Source: dashboard.Prometheus},
			`label_values(nodepool_provider_max_servers{provider=~"rax(-.*)?"}, provider)`,
		},
	} {
		if got := made(t, c.o).Templating.List[0].Query; got != c.want {
			t.Errorf("%+v: the regions are %s, want %s", c.o, got, c.want)
		}
	}
	_, err := dashboard.Make(dashboard.Options{Provider: "rxa", Source: dashboard.Graphite, Known: known})
	if err == nil || !strings.HasSuffix(err.Error(), `did you mean "rax"?`) {
		t.Errorf("a misspelled beginning of several: %v", err)
	}
	for _, c := range []struct {
		o    dashboard.Options
		kind fault.Kind
	}{
		{dashboard.Options{Provider: "", Source: dashboard.Graphite}, fault.Usage},
		{dashboard.Options{Provider: `x"} or {y="`, Source: dashboard.Prometheus}, fault.Usage},
		{dashboard.Options{Provider: "rax*", Source: dashboard.Graphite}, fault.Usage},
		{dashboard.Options{Provider: "rax", Source: "influx"}, fault.Usage},
		{dashboard.Options{Provider: "ovh", Source: dashboard.Graphite, Known: known}, fault.NotFound},
		{dashboard.Options{Provider: "ovh", Source: dashboard.Graphite, Known: []string{}}, fault.NotFound}, // a builder's file
	} {
		if _, err := dashboard.Make(c.o); !fault.Is(err, c.kind) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
}
