// Package dashboard makes Grafana's dashboards of the providers of nodepool, from the metrics that nodepool sends by
// statsd: as Graphite keeps them, or as Prometheus does behind its statsd_exporter.
package dashboard

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// Sources of the metrics.
const (
	Graphite   = "graphite"
	Prometheus = "prometheus"
)

// Options say what to show.
type Options struct {
	// Provider is a provider, or what the names of several begin with: rax stands for rax, rax-dfw and rax-iad.
	Provider string
	// Known are the names of all providers; nil if they aren't known.
	Known  []string
	Title  string // default: Nodepool: and the provider
	Source string // Graphite or Prometheus
	// DataSource is the uid of Grafana's data source; default: its default one of that kind.
	DataSource string
}

// name is what names of providers consist of; anything else would change the meaning of a query.
var name = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// Make makes a dashboard, in the JSON that Grafana imports.
func Make(o Options) ([]byte, error) {
	if !name.MatchString(o.Provider) {
		return nil, fault.Bad("provider", "", "%q is no provider's name that a query can have: use letters, digits, - and _", o.Provider)
	}
	if o.Source != Graphite && o.Source != Prometheus {
		return nil, fault.Bad("source", "use graphite or prometheus", "%q is unknown", o.Source)
	}
	regions, err := o.regions()
	if err != nil {
		return nil, err
	}
	if o.Title == "" {
		o.Title = "Nodepool: " + o.Provider
	}
	b := &builder{o: o}
	d := board{
		Title: o.Title, UID: "nodepool-" + strings.ToLower(o.Provider), SchemaVersion: schemaVersion, Editable: true, Refresh: "1m",
		Time: span{"now-24h", "now"}, Tags: []string{"nodepool"}, Panels: b.panels(),
	}
	if len(d.UID) > maxUID {
		d.UID = d.UID[:maxUID]
	}
	d.Templating.List = []variable{b.region(regions)}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the dashboard: %w", err)
	}
	return append(text, '\n'), nil
}

const (
	schemaVersion = 39 // of Grafana 10 and later
	maxUID        = 40
)

// regions are the providers to show; none if they aren't known.
func (o Options) regions() ([]string, error) {
	if o.Known == nil {
		return nil, nil
	}
	var all []string
	for _, k := range o.Known {
		if (k == o.Provider || strings.HasPrefix(k, o.Provider+"-")) && name.MatchString(k) {
			all = append(all, k)
		}
	}
	if len(all) == 0 {
		advice := fault.Advise("the file has no providers")
		if near := foreignfile.Nearest(o.Provider, beginnings(o.Known)); near != "" {
			advice = fault.Advise("did you mean %q?", near)
		} else if len(o.Known) > 0 {
			advice = fault.Advise("the providers are %s", strings.Join(o.Known, ", "))
		}
		return nil, fault.New(fault.NotFound, advice, "there is no provider %q", o.Provider)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// beginnings are the names, and what several begin with.
func beginnings(names []string) []string {
	all := slices.Clone(names)
	for _, name := range names {
		for n, r := range name {
			if r == '-' && n > 0 {
				all = append(all, name[:n])
			}
		}
	}
	return all
}

type builder struct {
	o    Options
	id   int
	y    int
	list []panel
}

// region is the variable that chooses among the providers.
func (b *builder) region(regions []string) variable {
	v := variable{
		Name: "region", Label: "Provider", Type: "query", IncludeAll: true, Multi: true, Refresh: 1, DataSource: b.source(),
		Current: map[string]any{"text": "All", "value": "$__all"},
	}
	switch {
	case b.o.Source == Graphite && len(regions) == 0:
		v.Query = "stats.gauges.nodepool.provider.{" + b.o.Provider + "," + b.o.Provider + "-*}"
	case b.o.Source == Graphite && len(regions) == 1:
		v.Query = "stats.gauges.nodepool.provider." + regions[0]
	case b.o.Source == Graphite:
		v.Query = "stats.gauges.nodepool.provider.{" + strings.Join(regions, ",") + "}"
	case len(regions) == 0:
		v.Query = fmt.Sprintf(`label_values(nodepool_provider_max_servers{provider=~"%s(-.*)?"}, provider)`, b.o.Provider)
	default:
		v.Query = fmt.Sprintf(`label_values(nodepool_provider_max_servers{provider=~"%s"}, provider)`, strings.Join(regions, "|"))
	}
	return v
}

func (b *builder) source() source { return source{Type: b.o.Source, UID: b.o.DataSource} }
