package nova

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

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
}

// since says from which microversion on a member of a creation is known; those of 1 always are.
var since = map[string]int{
	"name": 1, "imageRef": 1, "flavorRef": 1, "key_name": 1, "adminPass": 1, "user_data": 1, "availability_zone": 1, "config_drive": 1, "metadata": 1, "security_groups": 1,
	"networks": 1, "block_device_mapping_v2": 1, "min_count": 1, "max_count": 1, "accessIPv4": 1, "accessIPv6": 1, "OS-DCF:diskConfig": 1, "return_reservation_id": 1,
	"personality": 1, "description": 19, "tags": 52, "trusted_image_certificates": 63, "host": 74, "hypervisor_hostname": 74, "hostname": 90,
}

type requestedNetwork struct {
	UUID    string `json:"uuid"`
	Port    string `json:"port"`
	FixedIP string `json:"fixed_ip"`
	Tag     string `json:"tag"`
}

// blockDevice is an entry of block_device_mapping_v2.
type blockDevice struct {
	UUID                string `json:"uuid"`
	SourceType          string `json:"source_type"`
	DestinationType     string `json:"destination_type"`
	BootIndex           any    `json:"boot_index"`
	VolumeSize          any    `json:"volume_size"`
	VolumeType          string `json:"volume_type"`
	DeviceName          string `json:"device_name"`
	DeleteOnTermination bool   `json:"delete_on_termination"`
	Tag                 string `json:"tag"`
}

func (d blockDevice) root() bool { return fmt.Sprint(d.BootIndex) == "0" }

func (d blockDevice) size() int { return atoi(fmt.Sprint(d.VolumeSize)) }

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
	front.JSON(w, http.StatusAccepted, map[string]any{"server": map[string]any{
		"id": v.ID, "links": links(r, v.ID), "OS-DCF:diskConfig": "MANUAL", "security_groups": groups, "adminPass": v.password,
	}})
	return nil
}

func readCreate(r *http.Request) (body createRequest, hints map[string]string, err error) {
	var outer map[string]json.RawMessage
	if err := front.Decode(r, &outer); err != nil {
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
		Name: q.Name, ProjectID: c.ProjectID, UserID: c.UserID, userName: c.UserName, project: c.ProjectName, roles: strings.Join(c.Roles, ","),
		Zone: "nova", Metadata: q.Metadata, Tags: q.Tags, password: cmp.Or(q.AdminPass, newPassword()), Hostname: cmp.Or(q.Hostname, hostname(q.Name)),
		VMState: vmBuilding, TaskState: taskScheduling, CreatedAt: now(), UpdatedAt: now(), devices: q.Devices, accessIPv4: q.AccessIPv4, accessIPv6: q.AccessIPv6,
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

func tooLong(name, value string) error {
	return invalid("Invalid input for field/attribute %s. Value: %s. '%s' is too long", name, value, value)
}

var metadataKey = regexp.MustCompile(`^[a-zA-Z0-9_:. -]{1,255}$`)

func (s *Service) checkMetadata(m map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if !metadataKey.MatchString(k) {
			return invalid("Invalid input for field/attribute metadata. Value: %s. '%s' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'", k, k)
		}
		if utf8.RuneCountInString(m[k]) > 255 {
			return tooLong(k, m[k])
		}
	}
	if n := s.quotas.MetadataItems; n >= 0 && len(m) > n {
		return front.Fail(http.StatusForbidden, "Maximum number of metadata items exceeds %d", n)
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
		return front.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed.")
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

// setSource settles what the server boots from: an image, or a volume that exists or is made of something.
func (s *Service) setSource(c front.Caller, v *Server, q createRequest) error {
	ref := ""
	if q.ImageRef != nil {
		ref = (*q.ImageRef)[strings.LastIndex(*q.ImageRef, "/")+1:]
	}
	var root *blockDevice
	for i := range v.devices {
		d := &v.devices[i]
		if d.root() {
			root = d
		}
		if err := s.checkDevice(c, v, *d); err != nil {
			return err
		}
	}
	if root != nil && root.SourceType == "image" && root.DestinationType != "volume" {
		ref, root = cmp.Or(ref, root.UUID), nil
	}
	switch {
	case root != nil && root.SourceType == "image":
		return s.checkImage(c, v.Flavor, root.UUID, false)
	case root != nil:
		return nil
	case ref == "" && len(v.devices) > 0:
		return invalid("Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.")
	case ref == "" && q.ImageRef == nil:
		return invalid("Missing imageRef attribute")
	case uuid.Validate(ref) != nil:
		return invalid("Invalid imageRef provided.")
	}
	v.ImageID = ref
	return s.checkImage(c, v.Flavor, ref, true)
}

func (s *Service) checkImage(c front.Caller, f Flavor, id string, local bool) error {
	i, ok := s.images.Visible(c, id)
	const gib = 1 << 30
	switch {
	case !ok:
		return invalid("Can not find requested image")
	case i.Status != "active":
		return invalid("Image %s is not active.", id)
	case i.MinRAM > f.RAM:
		return invalid("Flavor's memory is too small for requested image.")
	case !local || f.Disk == 0:
	case i.Size > int64(f.Disk)*gib:
		return invalid("Flavor's disk is too small for requested image. Flavor disk is %d bytes, image is %d bytes.", int64(f.Disk)*gib, i.Size)
	case i.MinDisk > f.Disk:
		return invalid("Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is %d bytes, minimum size is %d bytes.", int64(f.Disk)*gib, int64(i.MinDisk)*gib)
	}
	return nil
}

func (s *Service) checkDevice(c front.Caller, _ *Server, d blockDevice) error {
	switch {
	case d.SourceType == "volume":
		vol, ok := s.vols.Visible(c, d.UUID)
		if !ok {
			return invalid("Volume %s could not be found.", d.UUID)
		}
		if vol.Status != "available" {
			return invalid("Invalid volume: Invalid input received: Invalid volume: Volume %s status must be available or downloading to reserve, but the current status is %s. (HTTP 400) (Request-ID: %s)",
				d.UUID, vol.Status, "req-"+uuid.NewString())
		}
		if d.root() && !vol.Bootable {
			return invalid("Block Device %s is not bootable.", d.UUID)
		}
	case d.SourceType == "snapshot":
		if _, ok := s.vols.Snapshot(c, d.UUID); !ok {
			return invalid("Block Device Mapping is Invalid: failed to get snapshot %s.", d.UUID)
		}
	case d.SourceType == "image" && d.DestinationType == "volume" && d.size() == 0:
		return invalid("Block Device Mapping is Invalid: Images with destination_type 'volume' need to have a non-zero size specified")
	case d.SourceType == "blank" && d.DestinationType == "volume" && d.size() == 0:
		return invalid("Block Device Mapping is Invalid: Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size")
	case d.SourceType != "image" && d.SourceType != "blank":
		return invalid("Block Device Mapping is Invalid: Unable to determine the source type '%s'.", d.SourceType)
	}
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

// networks reads what a server is to be connected with, and finds its network where the request names none.
func (s *Service) networks(r *http.Request, c front.Caller, raw json.RawMessage) ([]requestedNetwork, error) {
	var word string
	given := len(raw) > 0 && string(raw) != "null"
	if given && json.Unmarshal(raw, &word) == nil {
		switch {
		case minor(r) < 37:
			return nil, invalid("Invalid input for field/attribute networks. Value: %s. '%s' is not of type 'array'", word, word)
		case word == "none":
			return nil, nil
		case word != "auto":
			return nil, invalid("Invalid input for field/attribute networks. Value: %s. '%s' is not one of ['none', 'auto']", word, word)
		}
		given = false
	} else if !given && minor(r) >= 37 {
		return nil, invalid("'networks' is a required property")
	}
	var list []requestedNetwork
	if given {
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, invalid("Invalid input for field/attribute networks. %s", err.Error())
		}
	}
	if len(list) > 0 {
		return list, s.checkNetworks(c, list)
	}
	switch all := s.nets.Networks(c); len(all) {
	case 0:
		return nil, nil
	case 1:
		return []requestedNetwork{{UUID: all[0].ID}}, nil
	default:
		return nil, front.Fail(http.StatusConflict, "Multiple possible networks found, use a Network ID to be more specific.")
	}
}

func (s *Service) checkNetworks(c front.Caller, list []requestedNetwork) error {
	for _, n := range list {
		if n.FixedIP != "" {
			if _, err := netip.ParseAddr(n.FixedIP); err != nil {
				return invalid("Invalid input for field/attribute fixed_ip. Value: %s. '%s' is not a 'ip-address'", n.FixedIP, n.FixedIP)
			}
		}
		if n.Port == "" {
			net, ok := s.nets.Network(c, n.UUID)
			switch {
			case uuid.Validate(n.UUID) != nil:
				return invalid("Bad networks format: network uuid is not in proper format (%s)", n.UUID)
			case !ok:
				return invalid("Network %s could not be found.", n.UUID)
			case net.External && !net.Shared && !c.Is("admin"):
				return front.Fail(http.StatusForbidden, "It is not allowed to create an interface on external network %s", n.UUID)
			case len(net.Subnets) == 0:
				return invalid("Network %s requires a subnet in order to boot instances on.", n.UUID)
			}
			continue
		}
		p, ok := s.ports.Port(n.Port)
		switch {
		case !ok || p.ProjectID != c.ProjectID && !c.Is("admin"):
			return invalid("Port id %s could not be found.", n.Port)
		case p.DeviceID != "":
			return front.Fail(http.StatusConflict, "Port %s is still in use.", n.Port)
		case len(p.FixedIPs) == 0:
			return invalid("Port %s requires a FixedIP in order to be used.", n.Port)
		}
	}
	return nil
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
		one.note(w, r, "create")
		s.servers[one.ID], s.mapped[one.ID] = one, true
		s.order = append(s.order, one)
		if g := s.groups[group]; g != nil {
			g.Members = append(g.Members, one.ID)
		}
		s.begin(one, s.build(front.CallerOf(r), one))
	}
	return nil
}

func (s *Service) checkQuota(v *Server, count int) error {
	used := s.used(v.ProjectID)
	for _, q := range []struct {
		name              string
		want, used, limit int
	}{
		{"instances", count, used.Instances, s.quotas.Instances}, {"cores", count * v.Flavor.VCPUs, used.Cores, s.quotas.Cores}, {"ram", count * v.Flavor.RAM, used.RAM, s.quotas.RAM},
	} {
		if q.limit >= 0 && q.used+q.want > q.limit {
			return front.Fail(http.StatusForbidden, "Quota exceeded for %s: Requested %d, but already used %d of %d %s", q.name, q.want, q.used, q.limit, q.name)
		}
	}
	return nil
}

// used is what a project's servers take. The caller holds the lock.
func (s *Service) used(project string) Quotas {
	var q Quotas
	for _, v := range s.order {
		if v.ProjectID == project {
			q.Instances++
			q.Cores += v.Flavor.VCPUs
			q.RAM += v.Flavor.RAM
		}
	}
	return q
}
