package schedule

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/imgctl/packer-plugin-openstack/internal/wholefile"
)

const lastSuccess = "imgctl_run_last_success_timestamp_seconds"

// labels identify what ran.
func (r *Run) labels() prometheus.Labels {
	l := prometheus.Labels{"subject": r.Subject, "name": r.Name}
	if r.Cloud != "" { // a run of several clouds has none
		l["cloud"] = r.Cloud
	}
	return l
}

// WriteMetrics writes the run's metrics to a file for the textfile collector of Prometheus's node exporter, all
// or nothing. The time of the last success is taken over from the file if this run failed.
func (r *Run) WriteMetrics(file string) error {
	var success float64
	if r.Succeeded() {
		success = seconds(r.Ended)
	} else {
		was, err := r.succeededBefore(file)
		if err != nil {
			return err
		}
		success = was
	}
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, value float64) {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: r.labels()})
		g.Set(value)
		registry.MustRegister(g)
	}
	gauge("imgctl_run_last_timestamp_seconds", "When the last run ended.", seconds(r.Ended))
	gauge(lastSuccess, "When the last run that succeeded ended; 0 for never.", success)
	gauge("imgctl_run_duration_seconds", "How long the last run took.", r.Ended.Sub(r.Started).Seconds())
	gauge("imgctl_run_exit_code", "The exit code of the last run.", float64(r.ExitCode))
	items := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "imgctl_run_items", Help: "What the last run did, and with how many items.", ConstLabels: r.labels(),
	}, []string{"action", "outcome"})
	for _, c := range r.Counts {
		items.WithLabelValues(c.Action, c.Outcome).Set(float64(c.Items))
	}
	registry.MustRegister(items)
	for _, name := range slices.Sorted(maps.Keys(r.Gauges)) {
		gauge("imgctl_"+r.Subject+"_"+name, cmp.Or(r.Help[name], "See the documentation of imgctl "+r.Subject+"."), r.Gauges[name])
	}
	families, err := registry.Gather()
	if err != nil {
		return fmt.Errorf("gathering metrics: %w", err)
	}
	var text bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			return fmt.Errorf("writing metrics: %w", err)
		}
	}
	return wholefile.Replace(file, 0o644, text.Bytes())
}

// succeededBefore is the time of the last success that the file tells of, 0 if it tells of none.
func (r *Run) succeededBefore(file string) (float64, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("reading the metrics of the last run: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return 0, nil //nolint:nilerr // it is somebody else's file, or an interrupted one: it is replaced
	}
	for _, m := range families[lastSuccess].GetMetric() {
		same := 0
		for _, l := range m.GetLabel() {
			if r.labels()[l.GetName()] == l.GetValue() {
				same++
			}
		}
		if same == len(r.labels()) {
			return m.GetGauge().GetValue(), nil
		}
	}
	return 0, nil
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
