package nova

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
)

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// decode reads the one member of a request's body.
func decode[T any](r *http.Request, name string) (T, error) {
	var zero T
	var outer map[string]json.RawMessage
	if err := answer.Decode(r, &outer); err != nil {
		return zero, errBody
	}
	raw, ok := outer[name]
	if !ok {
		return zero, invalid("'%s' is a required property", name)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return zero, invalid("Invalid input for field/attribute %s. %s", name, err.Error())
	}
	return v, nil
}
