package ironic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// python is a JSON document as Python prints it, in the order in which it was sent.
func python(raw json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	text, _ := pythonValue(d) // the document was read before
	return text
}

func pythonValue(d *json.Decoder) (string, error) {
	t, err := d.Token()
	if err != nil {
		return "", err
	}
	switch t := t.(type) {
	case json.Delim:
		return pythonList(d, t == '{')
	case string:
		return "'" + strings.ReplaceAll(t, "'", "\\'") + "'", nil
	case bool:
		return map[bool]string{true: "True", false: "False"}[t], nil
	case nil:
		return "None", nil
	}
	return fmt.Sprint(t), nil
}

func pythonList(d *json.Decoder, object bool) (string, error) {
	var parts []string
	for d.More() {
		part, err := pythonValue(d)
		if err == nil && object {
			var value string
			value, err = pythonValue(d)
			part += ": " + value
		}
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	_, err := d.Token()
	if object {
		return "{" + strings.Join(parts, ", ") + "}", err
	}
	return "[" + strings.Join(parts, ", ") + "]", err
}
