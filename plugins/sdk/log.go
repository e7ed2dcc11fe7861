package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
)

// handler sends slog's records as Log messages.
type handler struct {
	run    *session
	level  slog.Level
	prefix string // of attributes in groups, such as "request."
	with   []*pluginv1.Attribute
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	line := &pluginv1.Log{Level: level(r.Level), Message: valid(r.Message), Attributes: slices.Clone(h.with), Time: timestamppb.New(r.Time)}
	r.Attrs(func(a slog.Attr) bool {
		line.Attributes = attributes(line.GetAttributes(), h.prefix, a)
		return true
	})
	return h.run.send(&pluginv1.PluginMessage{Message: &pluginv1.PluginMessage_Log{Log: line}})
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.with = slices.Clone(h.with)
	for _, a := range attrs {
		c.with = attributes(c.with, h.prefix, a)
	}
	return &c
}

func (h *handler) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.prefix += name + "."
	}
	return &c
}

func attributes(to []*pluginv1.Attribute, prefix string, a slog.Attr) []*pluginv1.Attribute {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, inner := range v.Group() {
			to = attributes(to, prefix, inner)
		}
		return to
	}
	if a.Key == "" {
		return to
	}
	value, err := toValue(v.Any())
	if err != nil {
		value = structpb.NewStringValue(valid(fmt.Sprint(v.Any())))
	}
	return append(to, &pluginv1.Attribute{Key: valid(prefix + a.Key), Value: value})
}

func level(l slog.Level) pluginv1.LogLevel {
	switch {
	case l < slog.LevelInfo:
		return pluginv1.LogLevel_LOG_LEVEL_DEBUG
	case l < slog.LevelWarn:
		return pluginv1.LogLevel_LOG_LEVEL_INFO
	case l < slog.LevelError:
		return pluginv1.LogLevel_LOG_LEVEL_WARN
	}
	return pluginv1.LogLevel_LOG_LEVEL_ERROR
}
