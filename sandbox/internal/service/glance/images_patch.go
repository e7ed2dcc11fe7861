package glance

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

const (
	patchType    = "application/openstack-images-v2.1-json-patch"
	oldPatchType = "application/openstack-images-v2.0-json-patch"
)

type change struct {
	op, name string
	value    any
}

func (s *Service) patch(w http.ResponseWriter, r *http.Request) error {
	changes, err := readPatch(r)
	if err != nil {
		return err
	}
	c := front.CallerOf(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	i, err := s.lookupOwn(c, r.PathValue("id"), "modify_image")
	if err != nil {
		return err
	}
	next := *i // all changes or none
	next.Properties = maps.Clone(i.Properties)
	if next.Properties == nil {
		next.Properties = map[string]string{}
	}
	for _, ch := range changes {
		if err := next.apply(c, ch); err != nil {
			return err
		}
	}
	if err := s.quotas.check(&next, i); err != nil {
		return err
	}
	if len(changes) > 0 {
		next.UpdatedAt = s.now()
	}
	*i = next
	answer.JSON(w, http.StatusOK, i.body())
	return nil
}

func (i *Image) apply(c front.Caller, ch change) error {
	_, custom := i.Properties[ch.name]
	known := slices.Contains(base, ch.name)
	switch ch.op {
	case "add":
	case "replace":
		if !known && !custom {
			return failDetail(http.StatusConflict, "Property %s does not exist.", ch.name)
		}
	case "remove":
		if err := checkName(ch.name); err != nil {
			return err
		}
		switch {
		case known:
			return failDetail(http.StatusForbidden, "Property %s may not be removed.", ch.name)
		case !custom:
			return failDetail(http.StatusConflict, "Property %s does not exist.", ch.name)
		}
		delete(i.Properties, ch.name)
		return nil
	}
	if ch.name == "owner" && !c.Is("admin") {
		return failDetail(http.StatusForbidden, "Owner can't be updated by non admin.")
	}
	if ch.name == "visibility" && ch.value != i.Visibility {
		v, _ := ch.value.(string)
		if err := maySet(c, v); err != nil {
			return err
		}
	}
	return i.set(ch.name, ch.value)
}

// readPatch reads the operations of a request in the 2.1 or the 2.0 form.
func readPatch(r *http.Request) ([]change, error) {
	contentType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if contentType != patchType && contentType != oldPatchType {
		return nil, unsupported(contentType)
	}
	var doc any
	if err := decode(r, &doc); err != nil {
		return nil, err
	}
	list, ok := doc.([]any)
	if !ok {
		return nil, answer.Fail(http.StatusBadRequest, "Request body must be a JSON array of operation objects.")
	}
	var out []change
	for _, item := range list {
		op, ok := item.(map[string]any)
		if !ok {
			return nil, answer.Fail(http.StatusBadRequest, "Operations must be JSON objects.")
		}
		ch, err := readChange(op, contentType == patchType)
		if err != nil {
			return nil, err
		}
		out = append(out, ch)
	}
	return out, nil
}

var operations = []string{"add", "remove", "replace"}

func readChange(m map[string]any, modern bool) (change, error) {
	var ch change
	var path string
	if modern {
		op, ok := m["op"].(string)
		if !ok {
			return ch, answer.Fail(http.StatusBadRequest, "Unable to find `op` in JSON Schema change. It must be one of the following: %s.",
				strings.Join(operations, ", "))
		}
		if !slices.Contains(operations, op) {
			return ch, answer.Fail(http.StatusBadRequest, "Invalid operation: `%s`. It must be one of the following: %s.", op,
				strings.Join(operations, ", "))
		}
		ch.op = op
		if path, ok = m["path"].(string); !ok {
			return ch, answer.Fail(http.StatusBadRequest, "Unable to find 'path' in JSON Schema change")
		}
	} else {
		for _, op := range operations {
			if p, ok := m[op].(string); ok && ch.op == "" {
				ch.op, path = op, p
			} else if ok {
				ch.op = "?"
			}
		}
		if ch.op == "" || ch.op == "?" {
			return ch, answer.Fail(http.StatusBadRequest,
				`Operation objects must contain exactly one member named "add", "remove", or "replace".`)
		}
	}
	var err error
	if ch.name, err = pointer(path); err != nil || ch.op == "remove" {
		return ch, err
	}
	value, ok := m["value"]
	if !ok {
		return ch, answer.Fail(http.StatusBadRequest, `Operation "%s" requires a member named "value".`, ch.op)
	}
	if err := checkName(ch.name); err != nil {
		return ch, err
	}
	ch.value = value
	return ch, checkValue(ch.name, value)
}

// pointer reads a JSON pointer to an attribute.
func pointer(path string) (string, error) {
	fail := func(format string) (string, error) {
		return "", answer.Fail(http.StatusBadRequest, "%s", fmt.Sprintf(format, path))
	}
	switch {
	case !strings.HasPrefix(path, "/"):
		return fail("Pointer `%s` does not start with \"/\".")
	case strings.Contains(path[1:], "//"):
		return fail("Pointer `%s` contains adjacent \"/\".")
	case len(path) > 1 && strings.HasSuffix(path, "/"):
		return fail("Pointer `%s` end with \"/\".")
	case strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(path), "~"):
		return fail("Pointer `%s` contains \"~\" not part of a recognized escape sequence.")
	}
	name := path[1:]
	if strings.Contains(name, "/") {
		return fail("Invalid JSON pointer for this resource: '%s'")
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name), nil
}
