package dashboard

import "fmt"

// query is one line of a plot, in the words of both sources.
type query struct{ graphite, prometheus, legend string }

// width of the whole dashboard, in Grafana's columns.
const columns = 24

// states of servers, as nodepool counts them, in the order in which a server goes through them.
var states = []struct{ key, title string }{
	{"building", "Building"}, {"ready", "Available"}, {"in-use", "In Use"}, {"used", "Used"}, {"deleting", "Deleting"},
}

// operations are the requests to the cloud whose duration is shown.
var operations = []struct{ title, service, method, operation string }{
	{"POST Server", "compute", "POST", "servers"},
	{"GET Server", "compute", "GET", "server"},
	{"DELETE Server", "compute", "DELETE", "server"},
	{"GET Servers Details", "compute", "GET", "servers_detail"},
	{"GET Limits", "compute", "GET", "limits"},
	{"GET Flavors", "compute", "GET", "flavors_detail"},
	{"GET network floatingips", "network", "GET", "floatingips"},
	{"GET networks", "network", "GET", "networks"},
	{"GET network ports", "network", "GET", "ports"},
	{"GET network subnets", "network", "GET", "subnets"},
}

func (b *builder) panels() []panel {
	b.row("Nodes")
	for n, s := range states {
		if s.key == "used" { // they are about to be deleted
			continue
		}
		title := s.title
		if s.key == "ready" {
			title = "Ready"
		}
		b.stat(title, min(n, 3)*6, nodes(s.key, ""))
	}
	b.y += 4
	b.row("Test Nodes")
	var all []query
	for _, s := range states {
		all = append(all, nodes(s.key, s.title))
	}
	all = append(all, query{
		"alias(sumSeries(stats.gauges.nodepool.provider.$region.max_servers), 'Max')",
		`sum(nodepool_provider_max_servers{provider=~"$region"})`, "Max",
	})
	history := b.plot("Test Node History - $region", 0, columns, 10, "short", all...)
	history.Repeat, history.Direction = "region", "v"
	stack(history)
	b.y += 10
	b.row("Node Launches")
	b.plot("Ready Node Launch Attempts", 0, 8, 8, "short", query{
		"aliasSub(summarize(stats_counts.nodepool.launch.provider.$region.ready, '1m'), " +
			`'.*stats_counts.nodepool.launch.provider.(.*).ready.*', '\1')`,
		`60 * sum by (provider) (rate(nodepool_launch_ready_total{provider=~"$region"}[5m]))`, "{{provider}}",
	})
	b.plot("Time to Ready", 8, 8, 8, "ms", query{
		"aliasByNode(stats.timers.nodepool.launch.provider.$region.ready.mean, 5)",
		"1000 * " + mean("nodepool_launch_ready_seconds", `provider=~"$region"`), "{{provider}}",
	})
	b.plot("Error Node Launch Attempts", 16, 8, 8, "short", query{
		`alias(smartSummarize(sumSeries(stats_counts.nodepool.launch.provider.$region.error.*), '1m'), "All Errors")`,
		`60 * sum(rate(nodepool_launch_errors_total{provider=~"$region"}[5m]))`, "All Errors",
	})
	b.y += 8
	b.row("API Operations")
	for n, o := range operations {
		b.plot(o.title, n%3*8, 8, 8, "ms", query{
			fmt.Sprintf("aliasByNode(stats.timers.nodepool.task.$region.%s.%s.%s.*.mean, 4)", o.service, o.method, o.operation),
			"1000 * " + mean("nodepool_task_seconds", fmt.Sprintf(`provider=~"$region",service="%s",method="%s",operation="%s"`, o.service,
				o.method, o.operation)),
			"{{provider}}",
		})
		if n%3 == 2 {
			b.y += 8
		}
	}
	return b.list
}

func nodes(state, title string) query {
	q := query{
		fmt.Sprintf("sumSeries(stats.gauges.nodepool.provider.$region.nodes.%s)", state),
		fmt.Sprintf(`sum(nodepool_provider_nodes{provider=~"$region",state="%s"})`, state), title,
	}
	if title != "" {
		q.graphite = fmt.Sprintf("alias(%s, '%s')", q.graphite, title)
	}
	return q
}

// mean is the mean of a summary, for each provider.
func mean(metric, labels string) string {
	return fmt.Sprintf("sum by (provider) (rate(%s_sum{%s}[5m])) / sum by (provider) (rate(%s_count{%s}[5m]))", metric, labels, metric,
		labels)
}

func (b *builder) row(title string) {
	open := false
	b.add(panel{Type: "row", Title: title, Grid: grid{0, b.y, columns, 1}, Collapsed: &open})
	b.y++
}

func (b *builder) stat(title string, x int, q query) {
	b.add(panel{
		Type: "stat", Title: title, Grid: grid{x, b.y, 6, 4}, Targets: b.targets(q),
		Options: map[string]any{"graphMode": "area", "reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}}},
	})
}

func (b *builder) plot(title string, x, w, h int, unit string, queries ...query) *panel {
	return b.add(panel{
		Type: "timeseries", Title: title, Grid: grid{x, b.y, w, h}, Targets: b.targets(queries...),
		FieldConfig: map[string]any{"defaults": map[string]any{"unit": unit, "min": 0}, "overrides": []any{}},
	})
}

// stack stacks a plot's lines, except for the limit.
func stack(p *panel) {
	p.FieldConfig["defaults"].(map[string]any)["custom"] = map[string]any{
		"fillOpacity": 60, "stacking": map[string]any{"mode": "normal", "group": "A"},
	}
	p.FieldConfig["overrides"] = []any{map[string]any{
		"matcher": map[string]any{"id": "byName", "options": "Max"},
		"properties": []any{
			map[string]any{"id": "custom.stacking", "value": map[string]any{"mode": "none"}},
			map[string]any{"id": "custom.fillOpacity", "value": 0},
		},
	}}
}

func (b *builder) targets(queries ...query) (all []target) {
	for n, q := range queries {
		t := target{RefID: string(rune('A' + n))}
		if b.o.Source == Graphite {
			t.Target = q.graphite
		} else {
			t.Expr, t.Legend = q.prometheus, q.legend
		}
		all = append(all, t)
	}
	return all
}

func (b *builder) add(p panel) *panel {
	b.id++
	p.ID = b.id
	if p.Type != "row" {
		s := b.source()
		p.DataSource = &s
	}
	b.list = append(b.list, p)
	return &b.list[len(b.list)-1]
}
