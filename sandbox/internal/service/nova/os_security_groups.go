package nova

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Security groups are the network service's. What clients ask of Nova's older calls about them is passed on, as long
// as the microversion has these calls.

const lastWithGroups = 35

// passGroups passes a call about security groups on, and answers with what is made of the network service's answer.
func (s *Service) passGroups(method, from string, status int) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if minor(r) > lastWithGroups {
			return answer.Fail(http.StatusNotFound, "The resource could not be found.")
		}
		var asked map[string]map[string]any
		if method == http.MethodPost || method == http.MethodPut {
			if err := answer.Decode(r, &asked); err != nil {
				return errBody
			}
		}
		path := "/v2.0/" + from
		if id := r.PathValue("id"); id != "" {
			path += "/" + url.PathEscape(id)
		} else if method == http.MethodGet {
			path += "?project_id=" + url.QueryEscape(front.CallerOf(r).ProjectID)
		}
		if rule, ok := asked["security_group_rule"]; ok {
			asked["security_group_rule"] = neutronRule(rule)
		}
		said, err := s.askNetwork(r, method, path, asked)
		if err != nil {
			return err
		}
		if said == nil {
			w.WriteHeader(status)
			return nil
		}
		answer.JSON(w, status, novaGroups(said))
		return nil
	}
}

// askNetwork has the network service answer the caller; nil is an answer without a body.
func (s *Service) askNetwork(r *http.Request, method, path string, body any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	// #nosec G704 -- the service of this process serves it
	q, err := http.NewRequestWithContext(r.Context(), method, path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	s.nets.Mount().Handler.ServeHTTP(w, q)
	var said map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil {
			return nil, err
		}
	}
	if w.Code >= http.StatusBadRequest {
		problem, _ := said["NeutronError"].(map[string]any)
		message, _ := problem["message"].(string)
		return nil, answer.Fail(w.Code, "%s", message)
	}
	return said, nil
}

// novaGroups is the network service's answer in Nova's words.
func novaGroups(said map[string]any) map[string]any {
	if g, ok := said["security_group"].(map[string]any); ok {
		return map[string]any{"security_group": novaGroup(g)}
	}
	if rule, ok := said["security_group_rule"].(map[string]any); ok {
		return map[string]any{"security_group_rule": novaRule(rule)}
	}
	all := []any{}
	groups, _ := said["security_groups"].([]any)
	for _, g := range groups {
		if g, ok := g.(map[string]any); ok {
			all = append(all, novaGroup(g))
		}
	}
	return map[string]any{"security_groups": all}
}

// novaGroup has the rules for what comes in alone: Nova knows no others.
func novaGroup(g map[string]any) map[string]any {
	rules := []any{}
	all, _ := g["security_group_rules"].([]any)
	for _, r := range all {
		if rule, ok := r.(map[string]any); ok && rule["direction"] == "ingress" {
			rules = append(rules, novaRule(rule))
		}
	}
	return map[string]any{
		"id": g["id"], "name": g["name"], "description": g["description"], "tenant_id": g["tenant_id"], "rules": rules,
	}
}

func novaRule(rule map[string]any) map[string]any {
	group, cidr := map[string]any{}, map[string]any{}
	switch {
	case rule["remote_group_id"] != nil:
		group["name"], group["tenant_id"] = rule["remote_group_id"], rule["tenant_id"]
	case rule["remote_ip_prefix"] != nil:
		cidr["cidr"] = rule["remote_ip_prefix"]
	}
	return map[string]any{
		"id": rule["id"], "parent_group_id": rule["security_group_id"], "ip_protocol": rule["protocol"],
		"from_port": rule["port_range_min"], "to_port": rule["port_range_max"], "group": group, "ip_range": cidr,
	}
}

// neutronRule is a rule that is asked for in the network service's words.
func neutronRule(asked map[string]any) map[string]any {
	rule := map[string]any{"direction": "ingress", "ethertype": "IPv4", "security_group_id": asked["parent_group_id"]}
	for to, from := range map[string]string{
		"port_range_min": "from_port", "port_range_max": "to_port", "protocol": "ip_protocol",
		"remote_ip_prefix": "cidr", "remote_group_id": "group_id",
	} {
		if asked[from] != nil {
			rule[to] = asked[from]
		}
	}
	if protocol, ok := rule["protocol"].(string); ok {
		rule["protocol"] = strings.ToLower(protocol)
	}
	return rule
}
