package nova

import (
	"encoding/json"
	"net/http"
	"net/netip"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

type requestedNetwork struct {
	UUID    string `json:"uuid"`
	Port    string `json:"port"`
	FixedIP string `json:"fixed_ip"`
	Tag     string `json:"tag"`
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
		return nil, answer.Fail(http.StatusConflict, "Multiple possible networks found, use a Network ID to be more specific.")
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
				return answer.Fail(http.StatusForbidden, "It is not allowed to create an interface on external network %s", n.UUID)
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
			return answer.Fail(http.StatusConflict, "Port %s is still in use.", n.Port)
		case len(p.FixedIPs) == 0:
			return invalid("Port %s requires a FixedIP in order to be used.", n.Port)
		}
	}
	return nil
}
