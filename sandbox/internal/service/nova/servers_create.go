package nova

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

func newPassword() string { return rand.Text()[:12] }

var notHost = regexp.MustCompile(`[^a-z0-9.-]+`)

// hostname makes a server's name fit for a host.
func hostname(name string) string {
	name = strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(name))
	name = strings.Trim(notHost.ReplaceAllString(name, ""), ".-")
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], ".-")
	}
	return name
}

// createRequest is the member "server" of a creation.
type createRequest struct {
	Name           string            `json:"name"`
	ImageRef       *string           `json:"imageRef"`
	FlavorRef      any               `json:"flavorRef"`
	KeyName        *string           `json:"key_name"`
	AdminPass      string            `json:"adminPass"`
	UserData       *string           `json:"user_data"`
	Zone           *string           `json:"availability_zone"`
	ConfigDrive    any               `json:"config_drive"`
	Metadata       map[string]string `json:"metadata"`
	Tags           []string          `json:"tags"`
	Description    *string           `json:"description"`
	Hostname       string            `json:"hostname"`
	SecurityGroups []struct {
		Name string `json:"name"`
	} `json:"security_groups"`
	Networks   json.RawMessage `json:"networks"`
	Devices    []blockDevice   `json:"block_device_mapping_v2"`
	MinCount   any             `json:"min_count"`
	MaxCount   any             `json:"max_count"`
	AccessIPv4 string          `json:"accessIPv4"`
	AccessIPv6 string          `json:"accessIPv6"`
	Node       string          `json:"hypervisor_hostname"`
}

func (s *Service) createServer(w http.ResponseWriter, r *http.Request) error {
	c := front.CallerOf(r)
	if err := writer(c, "os_compute_api:servers:create"); err != nil {
		return err
	}
	body, hints, err := readCreate(r)
	if err != nil {
		return err
	}
	v, err := s.check(r, c, body)
	if err != nil {
		return err
	}
	count := max(atoi(fmt.Sprint(body.MinCount)), atoi(fmt.Sprint(body.MaxCount)), 1)
	if err := s.addServers(w, r, v, count, hints["group"]); err != nil {
		return err
	}
	groups := []map[string]string{}
	for _, g := range v.SecurityGroups {
		groups = append(groups, map[string]string{"name": g})
	}
	w.Header().Set("Location", selfLink(r, v.ID))
	answer.JSON(w, http.StatusAccepted, map[string]any{"server": map[string]any{
		"id": v.ID, "links": links(r, v.ID), "OS-DCF:diskConfig": "MANUAL", "security_groups": groups, "adminPass": v.password,
	}})
	return nil
}

func readCreate(r *http.Request) (body createRequest, hints map[string]string, err error) {
	var outer map[string]json.RawMessage
	if err := answer.Decode(r, &outer); err != nil {
		return body, nil, errBody
	}
	var known map[string]json.RawMessage
	if err := json.Unmarshal(outer["server"], &known); err != nil {
		return body, nil, invalid("'server' is a required property")
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if from, ok := since[name]; !ok || minor(r) < from {
			return body, nil, unexpected(name)
		}
	}
	if err := json.Unmarshal(outer["server"], &body); err != nil {
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return body, nil, invalid("Invalid input for field/attribute %s. Value: %s. It is not of type '%s'", t.Field, t.Value, t.Type)
		}
		return body, nil, invalid("%s", err.Error())
	}
	return body, readHints(outer), nil
}

// readHints reads the scheduler hints that are plain text.
func readHints(outer map[string]json.RawMessage) map[string]string {
	hints := map[string]string{}
	for _, name := range []string{"os:scheduler_hints", "OS-SCH-HNT:scheduler_hints"} {
		var all map[string]any
		if json.Unmarshal(outer[name], &all) != nil {
			continue
		}
		for k, v := range all {
			if text, ok := v.(string); ok {
				hints[k] = text
			}
		}
	}
	return hints
}

// addServers adds count servers like v within the quotas and begins to build them. v is the first of them.
func (s *Service) addServers(w http.ResponseWriter, r *http.Request, v *Server, count int, group string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkQuota(v, count); err != nil {
		return err
	}
	if group != "" && s.groups[group] == nil {
		return invalid("Instance group %s could not be found.", group)
	}
	template := v.clone()
	for i := range count {
		one := v
		if i > 0 {
			c := template.clone()
			one = &c
		}
		if count > 1 {
			one.Name = fmt.Sprintf("%s-%d", template.Name, i+1)
		}
		one.ID, one.number, one.group = uuid.NewString(), len(s.order)+1, group
		s.note(one, w, r, "create")
		s.servers[one.ID], s.mapped[one.ID] = one, true
		s.order = append(s.order, one)
		if g := s.groups[group]; g != nil {
			g.Members = append(g.Members, one.ID)
		}
		s.begin(one, s.build(front.CallerOf(r), one))
	}
	return nil
}
