package neutron

import "encoding/json"

// presence is a member of a JSON object that may be missing, null (the zero value) or given.
type presence[T any] struct {
	given bool
	value T
}

// UnmarshalJSON notes that the member is there.
func (p *presence[T]) UnmarshalJSON(data []byte) error {
	p.given = true
	if string(data) == "null" {
		return nil
	}
	return json.Unmarshal(data, &p.value)
}
