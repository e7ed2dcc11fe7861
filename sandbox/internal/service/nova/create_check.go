package nova

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// check makes the server that a request asks for, or says what is wrong with it.
func (s *Service) check(r *http.Request, c front.Caller, q createRequest) (*Server, error) {
	q.Name = strings.TrimSpace(q.Name)
	if q.Name == "" {
		return nil, invalid("'name' is a required property")
	}
	if len(q.Name) > 255 {
		return nil, tooLong("name", q.Name)
	}
	v := &Server{
		Name: q.Name, ProjectID: c.ProjectID, UserID: c.UserID, userName: c.UserName, project: c.ProjectName,
		roles: strings.Join(c.Roles, ","),
		Zone:  "nova", Metadata: q.Metadata, Tags: q.Tags, password: cmp.Or(q.AdminPass, newPassword()),
		Hostname: cmp.Or(q.Hostname, hostname(q.Name)),
		VMState:  vmBuilding, TaskState: taskScheduling, CreatedAt: s.now(), UpdatedAt: s.now(), devices: q.Devices,
		accessIPv4: q.AccessIPv4, accessIPv6: q.AccessIPv6,
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	if q.AdminPass != "" {
		v.passwordAsked = true
	}
	if q.Description != nil {
		v.Description = *q.Description
	} else if minor(r) < 19 {
		v.Description = q.Name
	}
	for _, step := range []func() error{
		func() error { return s.checkMetadata(v.Metadata) },
		func() error { return checkTags(v.Tags) },
		func() error { return v.setUserData(q.UserData) },
		func() error { return v.setConfigDrive(q.ConfigDrive) },
		func() error { return v.setZone(c, q.Zone) },
		func() error { return v.setNode(c, q.Node) },
		func() error { return s.setFlavor(v, q.FlavorRef) },
		func() error { return s.setKey(v, q.KeyName) },
		func() error { return s.setSource(c, v, q) },
		func() error { return s.setGroups(c, v, q) },
		func() (err error) { v.requested, err = s.networks(r, c, q.Networks); return err },
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return v, nil
}

var metadataKey = regexp.MustCompile(`^[a-zA-Z0-9_:. -]{1,255}$`)

func (s *Service) checkMetadata(m map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !metadataKey.MatchString(k) {
			return invalid("Invalid input for field/attribute metadata. Value: %s. '%s' does not match any of the regexes: "+
				"'^[a-zA-Z0-9-_:. ]{1,255}$'", k, k)
		}
		if utf8.RuneCountInString(m[k]) > 255 {
			return tooLong(k, m[k])
		}
	}
	if n := s.quotas.MetadataItems; n >= 0 && len(m) > n {
		return answer.Fail(http.StatusForbidden, "Maximum number of metadata items exceeds %d", n)
	}
	return nil
}

func (v *Server) setUserData(text *string) error {
	if text == nil || *text == "" {
		return nil
	}
	if len(*text) > 65535 {
		return invalid("Invalid input for field/attribute user_data. The value is too long")
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(*text), ""))
	if err != nil {
		return invalid("Invalid input for field/attribute user_data. Value: %s. '%s' is not a 'base64'", *text, *text)
	}
	v.UserData = b
	return nil
}

func (v *Server) setConfigDrive(value any) error {
	switch strings.ToLower(fmt.Sprint(value)) {
	case "<nil>", "", "false", "0", "no", "off", "f", "n":
	case "true", "1", "yes", "on", "t", "y":
		v.ConfigDrive = true
	default:
		return invalid("Invalid config_drive provided.")
	}
	return nil
}

func (v *Server) setZone(c front.Caller, zone *string) error {
	if zone == nil || *zone == "" {
		return nil
	}
	name, host, forced := strings.Cut(*zone, ":")
	if forced && host != "" && !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.")
	}
	if name != "nova" {
		return invalid("The requested availability zone is not available")
	}
	return nil
}

func (s *Service) setFlavor(v *Server, ref any) error {
	id, ok := ref.(string)
	if n, isNumber := ref.(float64); isNumber {
		id, ok = fmt.Sprint(n), true
	}
	if !ok || id == "" {
		return invalid("'flavorRef' is a required property")
	}
	id = id[strings.LastIndex(id, "/")+1:]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if v.Flavor, ok = s.flavor(id); !ok {
		return invalid("Flavor %s could not be found.", id)
	}
	return nil
}

func (s *Service) setKey(v *Server, name *string) error {
	if name == nil || *name == "" {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := s.keys[v.UserID][*name]
	if k == nil {
		return invalid("Invalid key_name provided.")
	}
	v.KeyName, v.key = k.Name, k.PublicKey
	return nil
}

func (s *Service) setGroups(c front.Caller, v *Server, q createRequest) error {
	for _, g := range q.SecurityGroups {
		if g.Name == "" || slices.Contains(v.SecurityGroups, g.Name) {
			continue
		}
		if g.Name != "default" {
			if _, err := s.nets.SecurityGroupID(c, g.Name); err != nil {
				return invalid("Unable to find security_group with name or id '%s'", g.Name)
			}
		}
		v.SecurityGroups = append(v.SecurityGroups, g.Name)
	}
	if len(v.SecurityGroups) == 0 {
		v.SecurityGroups = []string{"default"}
	}
	return nil
}
