package nova

import (
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// manageFlavors refuses what is for administrators.
func manageFlavors(c front.Caller, rule string) error {
	if !c.Is("admin") {
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:%s to be performed.", rule)
	}
	return nil
}

type flavorRequest struct {
	Name        string  `json:"name"`
	ID          *string `json:"id"`
	RAM         int     `json:"ram"`
	VCPUs       int     `json:"vcpus"`
	Disk        int     `json:"disk"`
	Swap        int     `json:"swap"`
	Ephemeral   int     `json:"OS-FLV-EXT-DATA:ephemeral"`
	RxTx        float64 `json:"rxtx_factor"`
	Public      *bool   `json:"os-flavor-access:is_public"`
	Description string  `json:"description"`
}

func (s *Service) createFlavor(r *http.Request, c front.Caller) (int, any, error) {
	if err := manageFlavors(c, "os-flavor-manage:create"); err != nil {
		return 0, nil, err
	}
	q, err := decode[flavorRequest](r, "flavor")
	if err != nil {
		return 0, nil, err
	}
	if q.Name == "" || q.RAM < 1 || q.VCPUs < 1 {
		return 0, nil, invalid("Invalid input for field/attribute flavor. A flavor has a name, ram and vcpus.")
	}
	f := Flavor{
		ID: uuid.NewString(), Name: q.Name, Description: q.Description, VCPUs: q.VCPUs, RAM: q.RAM, Disk: q.Disk, Swap: q.Swap,
		Ephemeral: q.Ephemeral, Private: q.Public != nil && !*q.Public,
	}
	if q.ID != nil && *q.ID != "" && *q.ID != "auto" {
		f.ID = *q.ID
	}
	for _, o := range s.flavors {
		if o.ID == f.ID || o.Name == f.Name {
			return 0, nil, answer.Fail(http.StatusConflict, "Flavor with name %s already exists.", f.Name)
		}
	}
	s.flavors = append(s.flavors, f)
	return http.StatusOK, map[string]any{"flavor": f.body(r)}, nil
}

// ofFlavor serves a call of administrators about a flavor, which do may change.
func (s *Service) ofFlavor(rule string, do func(r *http.Request, f *Flavor) (int, any, error)) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		id := r.PathValue("id")
		at := slices.IndexFunc(s.flavors, func(f Flavor) bool { return f.ID == id })
		if at < 0 {
			return 0, nil, answer.Fail(http.StatusNotFound, "Flavor %s could not be found.", id)
		}
		if rule != "" {
			if err := manageFlavors(c, rule); err != nil {
				return 0, nil, err
			}
		}
		return do(r, &s.flavors[at])
	}
}

func updateFlavor(r *http.Request, f *Flavor) (int, any, error) {
	q, err := decode[struct {
		Description string `json:"description"`
	}](r, "flavor")
	if err != nil {
		return 0, nil, err
	}
	f.Description = q.Description
	return http.StatusOK, map[string]any{"flavor": f.body(r)}, nil
}

func (s *Service) deleteFlavor(_ *http.Request, f *Flavor) (int, any, error) {
	id := f.ID
	s.flavors = slices.DeleteFunc(s.flavors, func(o Flavor) bool { return o.ID == id })
	return http.StatusAccepted, nil, nil
}

// flavorAccess and changeFlavorAccess serve the projects that may use a flavor that isn't public.
func flavorAccess(_ *http.Request, f *Flavor) (int, any, error) {
	if !f.Private {
		return 0, nil, answer.Fail(http.StatusNotFound, "Access list not available for public flavors.")
	}
	return http.StatusOK, map[string]any{"flavor_access": f.access()}, nil
}

func (f *Flavor) access() []map[string]any {
	all := []map[string]any{}
	for _, id := range f.Projects {
		all = append(all, map[string]any{"flavor_id": f.ID, "tenant_id": id})
	}
	return all
}

func changeFlavorAccess(r *http.Request, f *Flavor) (int, any, error) {
	var q map[string]struct{ Tenant string }
	if answer.Decode(r, &q) != nil {
		return 0, nil, invalid("Malformed request body")
	}
	for action, of := range q {
		had := slices.Contains(f.Projects, of.Tenant)
		ids := slices.DeleteFunc(slices.Clone(f.Projects), func(id string) bool { return id == of.Tenant })
		switch {
		case action == "addTenantAccess" && had:
			return 0, nil, answer.Fail(http.StatusConflict, "Flavor access already exists for flavor %s and project %s combination.", f.ID,
				of.Tenant)
		case action == "addTenantAccess":
			ids = append(ids, of.Tenant)
		case !had:
			return 0, nil, answer.Fail(http.StatusNotFound, "Flavor access not found for %s / %s combination.", f.ID, of.Tenant)
		}
		f.Projects = ids
	}
	return http.StatusOK, map[string]any{"flavor_access": f.access()}, nil
}

// setSpecs adds extra specs: several, or the one of the path.
func setSpecs(r *http.Request, f *Flavor) (int, any, error) {
	var one map[string]string
	if r.PathValue("key") == "" {
		q, err := decode[map[string]string](r, "extra_specs")
		if err != nil {
			return 0, nil, err
		}
		one = q
	} else if answer.Decode(r, &one) != nil {
		return 0, nil, invalid("Malformed request body")
	}
	all := maps.Clone(f.specs())
	maps.Copy(all, one)
	f.Specs = all
	if r.PathValue("key") == "" {
		return http.StatusOK, map[string]any{"extra_specs": all}, nil
	}
	return http.StatusOK, one, nil
}

func oneSpec(r *http.Request, f *Flavor) (int, any, error) {
	key := r.PathValue("key")
	value, ok := f.Specs[key]
	if !ok {
		return 0, nil, answer.Fail(http.StatusNotFound, "Flavor %s has no extra specs with key %s.", f.ID, key)
	}
	if r.Method == http.MethodDelete {
		f.Specs = maps.Clone(f.Specs)
		delete(f.Specs, key)
		return http.StatusOK, nil, nil
	}
	return http.StatusOK, map[string]any{key: value}, nil
}
