package glance

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// CallersVariable is the environment variable with properties, a JSON object of strings, that whoever runs a build
// adds to its image. They are published with the image in one request, whatever the template says.
const CallersVariable = "IMGCTL_IMAGE_PROPERTIES"

// callersPrefix is that of the only properties that can be added so: a template's own belong into the template.
const callersPrefix = "imgctl_build_"

// CallersProperties are the properties in CallersVariable, nil if it isn't set.
func CallersProperties() (map[string]string, error) {
	text := os.Getenv(CallersVariable)
	if text == "" {
		return nil, nil
	}
	var properties map[string]string
	if err := json.Unmarshal([]byte(text), &properties); err != nil {
		return nil, fmt.Errorf("variable %s: %w", CallersVariable, err)
	}
	for key, value := range properties {
		if !strings.HasPrefix(key, callersPrefix) || len(value) > 255 {
			return nil, fmt.Errorf("variable %s: property %q doesn't begin with %s, or is longer than 255 bytes",
				CallersVariable, key, callersPrefix)
		}
	}
	return properties, nil
}
