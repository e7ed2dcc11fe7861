package manifest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pluginv1 "github.com/imgctl/packer-plugin-openstack/plugins/sdk/proto/imgctl/plugin/v1"
	"github.com/imgctl/packer-plugin-openstack/plugins/sdk/quantity"
)

// Default is the value of a flag that wasn't given. An error names the flag.
func Default(f *pluginv1.Flag) (*pluginv1.FlagValue, error) {
	v := &pluginv1.FlagValue{Name: f.GetName()}
	text := f.GetDefault()
	switch f.GetType() {
	case pluginv1.FlagType_FLAG_TYPE_STRING_LIST, pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:
		if text != "" {
			return nil, fmt.Errorf("--%s is a list, which has none", f.GetName())
		}
		return v, set(v, f, nil)
	case pluginv1.FlagType_FLAG_TYPE_TIME:
		if text == "" {
			return v, nil
		}
	case pluginv1.FlagType_FLAG_TYPE_ENUM:
		if text == "" {
			v.Value = &pluginv1.FlagValue_StringValue{}
			return v, nil
		}
	case pluginv1.FlagType_FLAG_TYPE_STRING, pluginv1.FlagType_FLAG_TYPE_FILE:
	default:
		if text == "" {
			text = "0"
		}
	}
	return v, set(v, f, []string{text})
}

// Parse is the value of a flag as the user gave it, once or (for lists) more often. An error names
// the flag, and the text unless the flag is a secret.
func Parse(f *pluginv1.Flag, texts []string) (*pluginv1.FlagValue, error) {
	v := &pluginv1.FlagValue{Name: f.GetName(), IsSet: true}
	return v, set(v, f, texts)
}

func set(v *pluginv1.FlagValue, f *pluginv1.Flag, texts []string) error {
	last := ""
	if len(texts) > 0 {
		last = texts[len(texts)-1]
	}
	wrong := func(want string) error {
		if f.GetSecret() {
			return fmt.Errorf("--%s isn't %s", f.GetName(), want)
		}
		return fmt.Errorf("--%s: %q isn't %s", f.GetName(), last, want)
	}
	switch f.GetType() {
	case pluginv1.FlagType_FLAG_TYPE_STRING, pluginv1.FlagType_FLAG_TYPE_FILE:
		v.Value = &pluginv1.FlagValue_StringValue{StringValue: last}
	case pluginv1.FlagType_FLAG_TYPE_ENUM:
		if !slices.Contains(f.GetValues(), last) {
			return wrong("one of " + strings.Join(f.GetValues(), ", "))
		}
		v.Value = &pluginv1.FlagValue_StringValue{StringValue: last}
	case pluginv1.FlagType_FLAG_TYPE_BOOL:
		b, err := strconv.ParseBool(last)
		if err != nil {
			return wrong("true or false")
		}
		v.Value = &pluginv1.FlagValue_BoolValue{BoolValue: b}
	case pluginv1.FlagType_FLAG_TYPE_INT:
		i, err := strconv.ParseInt(last, 10, 64)
		if err != nil {
			return wrong("a whole number")
		}
		v.Value = &pluginv1.FlagValue_IntValue{IntValue: i}
	case pluginv1.FlagType_FLAG_TYPE_FLOAT:
		x, err := strconv.ParseFloat(last, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return wrong("a number")
		}
		v.Value = &pluginv1.FlagValue_FloatValue{FloatValue: x}
	case pluginv1.FlagType_FLAG_TYPE_DURATION:
		d, err := quantity.ParseDuration(last)
		if err != nil {
			return wrong("a duration such as 90s, 36h or 7d12h")
		}
		v.Value = &pluginv1.FlagValue_DurationValue{DurationValue: durationpb.New(d)}
	case pluginv1.FlagType_FLAG_TYPE_BYTES:
		n, err := quantity.ParseBytes(last)
		if err != nil {
			return wrong("a size such as 512, 10M or 4GiB")
		}
		v.Value = &pluginv1.FlagValue_BytesValue{BytesValue: n}
	case pluginv1.FlagType_FLAG_TYPE_TIME:
		t, err := quantity.ParseTime(last)
		if err != nil {
			return wrong("a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00Z")
		}
		v.Value = &pluginv1.FlagValue_TimeValue{TimeValue: timestamppb.New(t)}
	case pluginv1.FlagType_FLAG_TYPE_STRING_LIST:
		v.Value = &pluginv1.FlagValue_StringsValue{StringsValue: &pluginv1.StringList{Values: split(texts)}}
	case pluginv1.FlagType_FLAG_TYPE_KEY_VALUE:
		pairs := &pluginv1.KeyValues{}
		for _, text := range texts {
			key, value, ok := strings.Cut(text, "=")
			if !ok || key == "" {
				return fmt.Errorf("--%s: %q isn't KEY=VALUE", f.GetName(), text)
			}
			pairs.Values = append(pairs.Values, &pluginv1.KeyValue{Key: key, Value: value})
		}
		v.Value = &pluginv1.FlagValue_PairsValue{PairsValue: pairs}
	default:
		return fmt.Errorf("--%s has a type that this version doesn't know", f.GetName())
	}
	return nil
}

// split takes a value with commas apart and drops empty ones.
func split(texts []string) []string {
	var all []string
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			if part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}
