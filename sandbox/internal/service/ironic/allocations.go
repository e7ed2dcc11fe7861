package ironic

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Allocation reserves a node.
type Allocation struct {
	UUID, Name, ResourceClass, Owner string
	State, LastError, NodeUUID       string
	Candidates, Traits               []string
	Extra                            map[string]any
	CreatedAt, UpdatedAt             time.Time
}

func (s *Service) listAllocations(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := s.limit(q)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.allocations
	if marker := q.Get("marker"); marker != "" {
		at := slices.IndexFunc(all, func(a *Allocation) bool { return a.UUID == marker })
		if at < 0 {
			return answer.Fail(http.StatusNotFound, "Allocation %s could not be found.", marker)
		}
		all = all[at+1:]
	}
	found := []map[string]any{}
	body := map[string]any{}
	for _, a := range all {
		if !a.sees(front.CallerOf(r)) || q.Get("node") != "" && a.NodeUUID != q.Get("node") {
			continue
		}
		if found = append(found, a.body(r)); len(found) == limit {
			body["next"] = next(r, limit, a.UUID)
			break
		}
	}
	body["allocations"] = found
	answer.JSON(w, http.StatusOK, body)
	return nil
}

func (a *Allocation) sees(c front.Caller) bool { return c.Is("admin") || a.Owner == c.ProjectID }

func (a *Allocation) body(r *http.Request) map[string]any {
	extra := a.Extra
	if extra == nil {
		extra = map[string]any{}
	}
	list := func(l []string) []string {
		if l == nil {
			return []string{}
		}
		return l
	}
	b := map[string]any{
		"uuid": a.UUID, "name": orNull(a.Name), "resource_class": a.ResourceClass, "state": orNull(a.State),
		"last_error": orNull(a.LastError),
		"node_uuid":  orNull(a.NodeUUID), "candidate_nodes": list(a.Candidates), "traits": list(a.Traits), "extra": extra,
		"owner": orNull(a.Owner), "created_at": stamp(a.CreatedAt), "updated_at": stamp(a.UpdatedAt),
		"links": links(r, "allocations", a.UUID),
	}
	if minorOf(r) < 60 {
		delete(b, "owner")
	}
	return b
}

func (s *Service) createAllocation(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		UUID       string         `json:"uuid"`
		Name       string         `json:"name"`
		Class      string         `json:"resource_class"`
		Candidates []string       `json:"candidate_nodes"`
		Traits     []string       `json:"traits"`
		Extra      map[string]any `json:"extra"`
		Owner      string         `json:"owner"`
	}
	if err := answer.Decode(r, &q); err != nil {
		return invalid("%s", err)
	}
	c := front.CallerOf(r)
	if !c.Is("member") {
		return denied("baremetal:allocation:create_pre_rbac")
	}
	if !c.Is("admin") { // whose allocations are only of the project's own nodes
		q.Owner = c.ProjectID
	}
	if q.Class == "" {
		return invalid("The resource_class field is mandatory when not backfilling")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.allocations {
		if q.Name != "" && a.Name == q.Name {
			return conflict("An allocation with name %s already exists.", q.Name)
		}
		if q.UUID != "" && a.UUID == q.UUID {
			return conflict("An allocation with UUID %s already exists.", q.UUID)
		}
	}
	for k, ident := range q.Candidates {
		n := s.find(ident)
		if n == nil {
			return invalid("Nodes cannot be found: %s", ident)
		}
		q.Candidates[k] = n.UUID
	}
	a := &Allocation{
		UUID: q.UUID, Name: q.Name, ResourceClass: q.Class, Candidates: q.Candidates, Traits: q.Traits, Extra: q.Extra, Owner: q.Owner,
		State: "allocating", CreatedAt: s.now(),
	}
	if a.UUID == "" {
		a.UUID = uuid.NewString()
	}
	s.allocations = append(s.allocations, a)
	b := a.body(r)
	b["created_at"] = fresh(a.CreatedAt)
	w.Header().Set("Location", front.Base(r)+"/v1/allocations/"+a.UUID)
	answer.JSON(w, http.StatusCreated, b)
	s.allocate(a)
	return nil
}

// allocatable refuses requests of versions before there were allocations.
func allocatable(status int, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	serve := answer.Handler(answer.Ironic, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if minorOf(r) < 52 {
			headless(w, r, status, "The API version does not allow allocations")
			return
		}
		serve.ServeHTTP(w, r)
	})
}

// allocate finds the allocation a node. The caller holds the lock.
func (s *Service) allocate(a *Allocation) {
	a.UpdatedAt = s.now()
	for _, n := range s.nodes {
		if n.ProvisionState != Available || n.InstanceUUID != "" || n.Maintenance || n.ResourceClass != a.ResourceClass ||
			n.PowerState == "" ||
			len(a.Candidates) > 0 && !slices.Contains(a.Candidates, n.UUID) || n.Reservation != "" ||
			slices.ContainsFunc(a.Traits, func(t string) bool { return !slices.Contains(n.Traits, t) }) {
			continue
		}
		a.State, a.NodeUUID = "active", n.UUID
		n.InstanceUUID, n.AllocationUUID, n.UpdatedAt = a.UUID, a.UUID, s.now()
		n.InstanceInfo["traits"] = append([]string{}, a.Traits...)
		return
	}
	why := "no available nodes match the resource class " + a.ResourceClass
	if len(a.Candidates) > 0 {
		why = "none of the requested nodes are available and match the resource class " + a.ResourceClass
	}
	a.State, a.LastError = "error", "Failed to process allocation "+a.UUID+": "+why+"."
}

func (s *Service) allocation(r *http.Request) (*Allocation, error) {
	ident := r.PathValue("id")
	for _, a := range s.allocations {
		if (a.UUID == ident || a.Name == ident) && a.sees(front.CallerOf(r)) {
			return a, nil
		}
	}
	return nil, answer.Fail(http.StatusNotFound, "Allocation %s could not be found.", ident)
}

func (s *Service) showAllocation(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allocation(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, a.body(r))
	return nil
}

func (s *Service) deleteAllocation(w http.ResponseWriter, r *http.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.allocation(r)
	if err != nil {
		return err
	}
	if n := s.find(a.NodeUUID); n != nil {
		if err := n.locked(); err != nil {
			return err
		}
		state := "in state " + n.ProvisionState + " where updates are not allowed"
		if n.ProvisionState == Active {
			state = "active"
		}
		if !n.Maintenance && (n.inTransition() || n.ProvisionState == Active) {
			return conflict("Cannot remove allocation %s for node %s, because the node is %s (and maintenance mode is off)", a.UUID, n.UUID,
				state)
		}
		n.InstanceUUID, n.AllocationUUID = "", ""
	}
	s.forget(a.UUID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// forget removes an allocation. The caller holds the lock.
func (s *Service) forget(id string) {
	s.allocations = slices.DeleteFunc(s.allocations, func(a *Allocation) bool { return strings.EqualFold(a.UUID, id) && id != "" })
}
