package session

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/host/console"
	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// threshold is the lowest level that is shown.
func threshold(verbosity int32) pluginv1.LogLevel {
	switch {
	case verbosity <= 0: // even if quiet: what is warned of is about the result
		return pluginv1.LogLevel_LOG_LEVEL_WARN
	case verbosity == 1:
		return pluginv1.LogLevel_LOG_LEVEL_INFO
	}
	return pluginv1.LogLevel_LOG_LEVEL_DEBUG
}

// log shows a line of the plugin's log.
func (s *session) log(l *pluginv1.Log) {
	if l.GetLevel() < threshold(s.Start.GetVerbosity()) {
		return
	}
	var text strings.Builder
	text.WriteString(l.GetMessage())
	for _, a := range l.GetAttributes() {
		fmt.Fprintf(&text, " %s=%v", a.GetKey(), a.GetValue().AsInterface())
	}
	s.Console.Say(styled(s.Console, l.GetLevel(), text.String()))
}

func styled(c *console.Console, level pluginv1.LogLevel, text string) string {
	switch level {
	case pluginv1.LogLevel_LOG_LEVEL_ERROR:
		return c.Style(console.Red, "Error:") + " " + text
	case pluginv1.LogLevel_LOG_LEVEL_WARN:
		return c.Style(console.Yellow, "Warning:") + " " + text
	}
	return c.Style(console.Grey, text)
}

// Stray shows a line that the plugin wrote to its standard output or error instead of sending it.
// Lines of hclog have a level; anything else is a warning, which
// quiet hides: it isn't meant for people.
func Stray(c *console.Console, plugin string, verbosity int32, line string) {
	level, text := parse(line)
	if level >= threshold(verbosity) && (verbosity >= 0 || level == pluginv1.LogLevel_LOG_LEVEL_ERROR) {
		c.Say(styled(c, level, plugin+": "+shorten(c.Line(text), 500)))
	}
}

// shorten keeps a line from filling the screen.
func shorten(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// parse reads a line in hclog's JSON. It never fails: an unexpected line is shown as it is.
func parse(line string) (pluginv1.LogLevel, string) {
	var entry map[string]any
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &entry) != nil {
		return pluginv1.LogLevel_LOG_LEVEL_WARN, line
	}
	message, ok := entry["@message"].(string)
	if !ok {
		return pluginv1.LogLevel_LOG_LEVEL_WARN, line
	}
	level := pluginv1.LogLevel_LOG_LEVEL_WARN
	name, _ := entry["@level"].(string)
	switch name {
	case "trace", "debug":
		level = pluginv1.LogLevel_LOG_LEVEL_DEBUG
	case "info":
		level = pluginv1.LogLevel_LOG_LEVEL_INFO
	case "error":
		level = pluginv1.LogLevel_LOG_LEVEL_ERROR
	}
	var rest []string
	for key, value := range entry {
		if !strings.HasPrefix(key, "@") {
			rest = append(rest, fmt.Sprintf(" %s=%v", key, value))
		}
	}
	slices.Sort(rest)
	return level, message + strings.Join(rest, "")
}
