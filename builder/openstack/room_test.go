package openstack

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/sandbox"
)

// Builds that a quota refuses wait for each other where the template says so.
func TestQuotaTimeout(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options sandbox.Options
		more    map[string]any
	}{
		"servers": {sandbox.Options{ServerQuotas: sandbox.ServerQuotas{Instances: 2}}, nil},
		"volumes": {sandbox.Options{VolumeQuotas: sandbox.VolumeQuotas{Volumes: 1}}, map[string]any{"use_blockstorage_volume": true}},
		"floating IPs": {
			sandbox.Options{NetworkQuotas: sandbox.NetworkQuotas{FloatingIPs: 1}},
			map[string]any{"floating_ip_network": "public"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.options.Transition = 100 * time.Millisecond
			w := newWorld(t, tt.options)
			const builds = 6
			var wg sync.WaitGroup
			waited := make(chan bool, builds)
			for n := range builds {
				wg.Go(func() {
					more := with(map[string]any{"image_name": fmt.Sprint("web-", n), "quota_timeout": "5m"}, tt.more)
					_, out, err := w.build(t.Context(), more, nil)
					if err != nil {
						t.Errorf("%v\n%s", err, out)
					}
					waited <- strings.Contains(out, "There is no room for the ")
				})
			}
			wg.Wait()
			waits := 0
			for range builds {
				if <-waited {
					waits++
				}
			}
			if waits == 0 {
				t.Error("nobody had to wait, so this shows nothing")
			}
			w.leavesNothing("")
		})
	}
}

func TestQuotaFailsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{ServerQuotas: sandbox.ServerQuotas{RAM: 1}})
	for limit, want := range map[string]string{"0s": "set quota_timeout", "50ms": "there was no room within 50ms"} {
		_, out, err := w.build(t.Context(), map[string]any{"quota_timeout": limit}, nil)
		if !fault.Is(err, fault.Quota) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q\n%s", limit, err, want, out)
		}
		w.leavesNothing(out)
	}
}
