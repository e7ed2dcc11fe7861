package ironic

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func (s *Service) listNodes(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	fields := brief
	if isTrue(q.Get("detail")) {
		fields = nil
	}
	if text := q.Get("fields"); text != "" {
		if fields == nil {
			return invalid("Can not specify ?detail=True and fields in the same request.")
		}
		if err := validFields(r, strings.Split(text, ",")); err != nil {
			return err
		}
		fields = strings.Split(text, ",")
	}
	return s.answerNodes(w, r, fields)
}

func (s *Service) showNode(w http.ResponseWriter, r *http.Request) error {
	if r.PathValue("id") == "detail" {
		return s.answerNodes(w, r, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.visible(r)
	if err != nil {
		return err
	}
	var fields []string
	if text := r.URL.Query().Get("fields"); text != "" {
		fields = strings.Split(text, ",")
		if err := validFields(r, fields); err != nil {
			return err
		}
	}
	answer.JSON(w, http.StatusOK, n.body(r, fields))
	return nil
}

// validFields is an error if a field doesn't exist, or not in the request's version.
func validFields(r *http.Request, fields []string) error {
	known := (&Node{}).fields(r)
	for _, f := range fields {
		if minorOf(r) < max(since[f], withFields) {
			return notAcceptable()
		}
		_, ok := known[f]
		switch {
		case r.PathValue("id") == "" && (!ok || f == "allocation_uuid"): // it isn't a column of Ironic's database
			return answer.Fail(http.StatusInternalServerError, "type object 'Node' has no attribute '%s'", f)
		case !ok || f == "links":
			return invalid("Field %s is not a valid field.", f)
		}
	}
	return nil
}

func (s *Service) answerNodes(w http.ResponseWriter, r *http.Request, fields []string) error {
	q := r.URL.Query()
	limit, err := s.limit(q)
	if err != nil {
		return err
	}
	if state := q.Get("provision_state"); state != "" && !slices.Contains(states, state) {
		return invalid("Provision state \"%s\" is not valid", state)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	nodes := slices.Clone(s.nodes)
	if marker := q.Get("marker"); marker != "" {
		at := slices.IndexFunc(nodes, func(n *Node) bool { return n.UUID == marker })
		if at < 0 {
			return nodeNotFound(marker)
		}
		nodes = nodes[at+1:]
	}
	caller := front.CallerOf(r)
	nodes = slices.DeleteFunc(nodes, func(n *Node) bool { return !n.sees(caller) || !n.matches(q) })
	nodes = nodes[:min(limit, len(nodes))]
	found := make([]map[string]any, len(nodes))
	for k, n := range nodes {
		found[k] = n.body(r, fields)
	}
	body := map[string]any{"nodes": found}
	if len(nodes) == limit {
		body["next"] = next(r, limit, nodes[limit-1].UUID)
	}
	answer.JSON(w, http.StatusOK, body)
	return nil
}

// limit is how many objects a page has.
func (s *Service) limit(q url.Values) (int, error) {
	text := q.Get("limit")
	if text == "" {
		return s.o.MaxPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalid("Expected an integer for limit: %s", text)
	}
	if limit <= 0 {
		return 0, invalid("Limit must be positive")
	}
	return min(limit, s.o.MaxPage), nil
}

// next is the address of the page after a marker, which Ironic composes anew, without the filters.
func next(r *http.Request, limit int, marker string) string {
	fields := ""
	if f := r.URL.Query().Get("fields"); f != "" {
		fields = "&fields=" + url.QueryEscape(f)
	}
	return fmt.Sprintf("%s%s?sort_key=id&sort_dir=asc%s&limit=%d&marker=%s", front.Base(r), r.URL.Path,
		strings.ReplaceAll(fields, "%2C", ","), limit, marker)
}

func (n *Node) matches(q url.Values) bool {
	for key, values := range q {
		var is string
		switch key {
		case "provision_state":
			is = n.ProvisionState
		case "resource_class":
			is = n.ResourceClass
		case "driver":
			is = n.Driver
		case "instance_uuid":
			is = n.InstanceUUID
		case "fault":
			is = n.Fault
		case "owner":
			is = n.Owner
		case "maintenance":
			if isTrue(values[0]) != n.Maintenance {
				return false
			}
			continue
		case "associated":
			if isTrue(values[0]) != (n.InstanceUUID != "") {
				return false
			}
			continue
		default:
			continue
		}
		if is != values[0] {
			return false
		}
	}
	return true
}

func isTrue(text string) bool {
	return slices.Contains([]string{"1", "t", "true", "on", "y", "yes"}, strings.ToLower(text))
}
