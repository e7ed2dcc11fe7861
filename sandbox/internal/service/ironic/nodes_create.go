package ironic

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// driver is the only one that the conductor has.
const driver = "fake-hardware"

// createNode enrolls a node.
func (s *Service) createNode(w http.ResponseWriter, r *http.Request) error {
	var doc map[string]any
	if err := answer.Decode(r, &doc); err != nil {
		return invalid("%s", err)
	}
	c := front.CallerOf(r)
	if !c.Is("admin") {
		return denied("baremetal:node:create")
	}
	for _, field := range slices.Sorted(maps.Keys(doc)) {
		if field != "uuid" && !slices.Contains(patchable, field) {
			return invalid("Schema error for node: Additional properties are not allowed ('%s' was unexpected)", field)
		}
	}
	text := func(field string) string { t, _ := doc[field].(string); return t }
	switch {
	case text("driver") == "":
		return invalid("Schema error for node: 'driver' is a required property")
	case text("driver") != driver:
		return invalid("No valid host was found. Reason: No conductor service registered which supports driver %s for conductor "+
			"group \"\".",
			text("driver"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &Node{UUID: text("uuid"), ProvisionState: Enroll}
	n.complete(s.now())
	for _, other := range s.nodes {
		if text("name") != "" && other.Name == text("name") {
			return conflict("A node with name %s already exists.", other.Name)
		}
		if other.UUID == n.UUID {
			return conflict("A node with UUID %s already exists.", other.UUID)
		}
	}
	full := n.document()
	maps.Copy(full, doc)
	if doc["owner"] == nil {
		full["owner"] = c.ProjectID
	}
	if err := s.take(n, full); err != nil {
		return err
	}
	if n.UUID == "" {
		n.UUID = uuid.NewString()
	}
	n.UpdatedAt = n.MovedAt
	s.nodes = append(s.nodes, n)
	b := n.body(r, nil)
	b["created_at"] = fresh(n.CreatedAt)
	w.Header().Set("Location", front.Base(r)+"/v1/nodes/"+n.UUID)
	answer.JSON(w, http.StatusCreated, b)
	return nil
}

// deletable are the states in which a node may be forgotten.
var deletable = []string{Manageable, Enroll, "adopt failed", Available}

func (s *Service) deleteNode(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.own(r, "baremetal:node:delete")
	if err != nil {
		return err
	}
	if err := n.locked(); err != nil {
		return err
	}
	if n.InstanceUUID != "" && n.ProvisionState == Available {
		return conflict("Node %s is associated with instance %s.", n.UUID, n.InstanceUUID)
	}
	if !n.Maintenance && !slices.Contains(deletable, n.ProvisionState) {
		return conflict("Can not delete node \"%s\" while it is in provision state \"%s\". Valid provision states to perform "+
			"deletion are: \"('%s')\", or set the node into maintenance mode", n.UUID, n.ProvisionState, strings.Join(deletable, "', '"))
	}
	s.nodes = slices.DeleteFunc(s.nodes, func(o *Node) bool { return o == n })
	w.WriteHeader(http.StatusNoContent)
	return nil
}
