package session

import (
	"strings"
	"testing"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

func TestStrayLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		line, text string
		level      pluginv1.LogLevel
	}{
		{"plain", "plain", pluginv1.LogLevel_LOG_LEVEL_WARN},
		{`{"@level":"info","@message":"hello","b":1,"a":"x","@timestamp":"t"}`, "hello a=x b=1", pluginv1.LogLevel_LOG_LEVEL_INFO},
		{`{"@level":"debug","@message":""}`, "", pluginv1.LogLevel_LOG_LEVEL_DEBUG},
		{`{"@level":"error","@message":"bad"}`, "bad", pluginv1.LogLevel_LOG_LEVEL_ERROR},
		{`{"@level":[],"@message":"odd"}`, "odd", pluginv1.LogLevel_LOG_LEVEL_WARN},
		{`{"@message": 1}`, `{"@message": 1}`, pluginv1.LogLevel_LOG_LEVEL_WARN},
		{`{`, `{`, pluginv1.LogLevel_LOG_LEVEL_WARN},
	} {
		if level, text := parse(c.line); level != c.level || text != c.text {
			t.Errorf("%s: %s, %q", c.line, level, text)
		}
	}
	if got := shorten(strings.Repeat("é", 1000), 500); len([]rune(got)) != 501 {
		t.Errorf("%d characters", len([]rune(got)))
	}
}

// Nothing that a plugin writes to its standard error can end the host.
func FuzzStrayLines(f *testing.F) {
	for _, line := range []string{`{"@message": 1}`, `{"@level": {}, "@message": "x", "y": null}`, `{"@message":"\ud800"}`, "\xff"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if level, _ := parse(line); level == pluginv1.LogLevel_LOG_LEVEL_UNSPECIFIED {
			t.Errorf("%q has no level", line)
		}
	})
}
