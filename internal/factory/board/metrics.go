package board

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/imgctl/packer-plugin-openstack/internal/queue"
)

// metrics answers Prometheus.
func (b *board) metrics(w http.ResponseWriter, r *http.Request) {
	v := b.look(r.Context())
	registry := prometheus.NewRegistry()
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "imgctl_factory_" + name, Help: help}, labels)
		registry.MustRegister(g)
		return g
	}
	gauges("problems", "Parts of the factory that couldn't be read.").WithLabelValues().Set(float64(len(v.Problems)))
	requests := gauges("requests", "Requests in the queue.", "state")
	requests.WithLabelValues("ready").Set(float64(v.Count.Ready))
	requests.WithLabelValues("waiting").Set(float64(v.Count.Waiting))
	requests.WithLabelValues("dead").Set(float64(v.Count.Dead))
	if v.Count.Working != nil {
		requests.WithLabelValues("working").Set(float64(*v.Count.Working))
	}
	gauges("running_builds", "Builds that run on this machine.").WithLabelValues().Set(float64(len(v.Running)))
	if v.Workers >= 0 {
		gauges("workers", "Workers that run on this machine.").WithLabelValues().Set(float64(v.Workers))
	}
	ended := gauges("last_build_timestamp_seconds", "When an image's last build with this outcome ended.", "image", "outcome")
	took := gauges("last_build_duration_seconds", "How long an image's last build with this outcome took.", "image", "outcome")
	seen := map[[2]string]bool{}
	for _, one := range v.History { // the latest first
		if key := [2]string{one.Image, one.State}; one.State != died && !seen[key] {
			seen[key] = true
			ended.WithLabelValues(one.Image, one.State).Set(float64(one.Started.Add(one.Duration).Unix()))
			took.WithLabelValues(one.Image, one.State).Set(one.Duration.Seconds())
		}
	}
	since := gauges("image_current_since_timestamp_seconds", "Since when an image is current.", "image")
	for _, c := range v.Current {
		since.WithLabelValues(c.Name).Set(float64(c.Since.Unix()))
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// health answers those who watch over the process, without a token: it tells nothing but numbers.
func (b *board) health(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		Status   string       `json:"status"`
		Requests *queue.Count `json:"requests,omitempty"`
		Workers  *int         `json:"workers,omitempty"`
	}{Status: "ok"}
	ctx, cancel := background(r)
	defer cancel()
	code := http.StatusOK
	bad := func(status string, err error) {
		b.Warn(err)
		answer.Status, code = status, http.StatusServiceUnavailable
	}
	if count, err := b.Queue.Count(ctx); err != nil {
		bad("the queue can't be used", err)
	} else {
		answer.Requests = &count
	}
	if b.Workers != nil {
		if n, err := b.Workers(); err == nil {
			answer.Workers = &n
		}
	}
	if b.Healthy != nil {
		if err := b.Healthy(); err != nil {
			bad("part of the factory has stopped", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer)
}
