package sdk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/structpb"
)

// exact is the largest whole number that a double, and so JSON, holds exactly.
const exact = 1 << 53

// toValue turns a Go value into what a row or field carries: null, bool, number, string, list or
// object. A time.Time becomes RFC 3339 (null if zero), a time.Duration seconds, a whole number
// beyond 2^53 a string, a Secret "[redacted]", a struct what encoding/json makes of it.
func toValue(v any) (*structpb.Value, error) {
	switch v := v.(type) {
	case nil:
		return structpb.NewNullValue(), nil
	case string:
		return structpb.NewStringValue(valid(v)), nil
	case bool:
		return structpb.NewBoolValue(v), nil
	case int:
		return whole(int64(v)), nil
	case int32:
		return whole(int64(v)), nil
	case int64:
		return whole(v), nil
	case float64:
		return number(v), nil
	case time.Duration:
		return number(v.Seconds()), nil
	case time.Time:
		if v.IsZero() {
			return structpb.NewNullValue(), nil
		}
		return structpb.NewStringValue(v.Format(time.RFC3339)), nil
	case Secret:
		return structpb.NewStringValue(redacted), nil
	case error:
		return structpb.NewStringValue(valid(v.Error())), nil
	case []string:
		list := &structpb.ListValue{Values: make([]*structpb.Value, len(v))}
		for i, s := range v {
			list.Values[i] = structpb.NewStringValue(valid(s))
		}
		return structpb.NewListValue(list), nil
	}
	return throughJSON(v)
}

// throughJSON is the value of anything else, with its numbers kept exact.
func throughJSON(v any) (*structpb.Value, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("a value of type %T: %w", v, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var plain any
	if err := d.Decode(&plain); err != nil {
		return nil, fmt.Errorf("a value of type %T: %w", v, err)
	}
	return fromJSON(plain), nil
}

func fromJSON(v any) *structpb.Value {
	switch v := v.(type) {
	case string:
		return structpb.NewStringValue(valid(v))
	case bool:
		return structpb.NewBoolValue(v)
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return whole(i)
		}
		f, err := v.Float64()
		if err != nil || (!strings.ContainsAny(v.String(), ".eE") && math.Abs(f) > exact) {
			return structpb.NewStringValue(v.String())
		}
		return number(f)
	case []any:
		list := &structpb.ListValue{}
		for _, e := range v {
			list.Values = append(list.Values, fromJSON(e))
		}
		return structpb.NewListValue(list)
	case map[string]any:
		object := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(v))}
		for k, e := range v {
			object.Fields[valid(k)] = fromJSON(e)
		}
		return structpb.NewStructValue(object)
	}
	return structpb.NewNullValue()
}

func whole(i int64) *structpb.Value {
	if i > exact || i < -exact {
		return structpb.NewStringValue(strconv.FormatInt(i, 10))
	}
	return structpb.NewNumberValue(float64(i))
}

// number is null for what JSON can't say.
func number(f float64) *structpb.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return structpb.NewNullValue()
	}
	return structpb.NewNumberValue(f)
}

// valid is text as protobuf wants it: a string that isn't UTF-8 would break the whole stream.
func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
