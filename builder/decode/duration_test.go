package decode

import (
	"testing"
	"time"

	"github.com/hashicorp/packer-plugin-sdk/template/config"
	"github.com/hashicorp/packer-plugin-sdk/template/interpolate"
)

func TestDurationsAreReadAsFlagsAre(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "30d": 720 * time.Hour, "7d12h": 180 * time.Hour,
		"1.5d": 36 * time.Hour, "-1s": -time.Second, "soon": 0, "10": 0,
	} {
		var out struct{ Timeout time.Duration }
		o := &config.DecodeOpts{Interpolate: true, InterpolateContext: &interpolate.Context{}}
		err := Options(&out, o, Empty{}, map[string]any{"timeout": text})
		if out.Timeout != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %s (%v), want %s", text, out.Timeout, err, want)
		}
	}
}
