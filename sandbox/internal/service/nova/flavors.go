package nova

import (
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// Flavor is a size of servers.
type Flavor struct {
	ID, Name, Description string
	VCPUs, RAM, Disk      int // RAM in MiB, disk in GiB
	Ephemeral, Swap       int
	Private               bool
	Specs                 map[string]string
	Projects              []string // that may use it, if it is private
	Mishap                Mishap
}

// Mishap is what happens to a flavor's servers.
type Mishap string

// What may happen to servers.
const (
	NoHost Mishap = "no-host" // scheduling finds no host: ERROR
	Never  Mishap = "never"   // they stay in BUILD
	Deaf   Mishap = "deaf"    // they don't heed the power button, so that a stop takes Options.ShutdownTimeout
)

// DefaultFlavors are those that everybody knows, and some for trying what goes wrong.
func DefaultFlavors() []Flavor {
	return []Flavor{
		{ID: "1", Name: "m1.tiny", VCPUs: 1, RAM: 512, Disk: 1},
		{ID: "2", Name: "m1.small", VCPUs: 1, RAM: 2048, Disk: 20},
		{ID: "3", Name: "m1.medium", VCPUs: 2, RAM: 4096, Disk: 40},
		{ID: "4", Name: "m1.large", VCPUs: 4, RAM: 8192, Disk: 80},
		{
			ID: "90", Name: "m1.nohost", VCPUs: 1, RAM: 512, Disk: 1, Mishap: NoHost,
			Description: "its servers find no host and end in ERROR",
		},
		{ID: "91", Name: "m1.never", VCPUs: 1, RAM: 512, Disk: 1, Mishap: Never, Description: "its servers stay in BUILD"},
		{ID: "92", Name: "m1.deaf", VCPUs: 1, RAM: 512, Disk: 1, Mishap: Deaf, Description: "its servers don't heed the power button"},
		{
			ID: "baremetal", Name: "baremetal", VCPUs: 1, RAM: 512, Disk: 1, Specs: map[string]string{"resources:CUSTOM_BAREMETAL": "1"},
			Description: "its servers are nodes of Ironic, of the resource class baremetal",
		},
	}
}

// bareMetal is the resource class of the nodes that the flavor's servers are, "" for virtual machines.
func (f Flavor) bareMetal() string {
	for key, value := range f.Specs {
		if class, is := strings.CutPrefix(key, "resources:CUSTOM_"); is && value == "1" {
			return strings.ToLower(class)
		}
	}
	return ""
}

// AddFlavor adds a flavor.
func (s *Service) AddFlavor(f Flavor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flavors = append(s.flavors, f)
}

func (s *Service) flavor(id string) (Flavor, bool) {
	i := slices.IndexFunc(s.flavors, func(f Flavor) bool { return f.ID == id })
	if i < 0 {
		return Flavor{}, false
	}
	return s.flavors[i], true
}

func (f Flavor) links(r *http.Request) []map[string]string {
	base := front.Base(r)
	return []map[string]string{
		{"rel": "self", "href": base + "/v2.1/flavors/" + f.ID},
		{"rel": "bookmark", "href": base + "/flavors/" + f.ID},
	}
}

func (f Flavor) specs() map[string]string {
	if f.Specs == nil {
		return map[string]string{}
	}
	return f.Specs
}

func (f Flavor) body(r *http.Request) map[string]any {
	b := map[string]any{
		"id": f.ID, "name": f.Name, "vcpus": f.VCPUs, "ram": f.RAM, "disk": f.Disk, "swap": "", "links": f.links(r), "rxtx_factor": 1.0,
		"OS-FLV-EXT-DATA:ephemeral": f.Ephemeral, "OS-FLV-DISABLED:disabled": false, "os-flavor-access:is_public": !f.Private,
	}
	if f.Swap > 0 || minor(r) >= 75 {
		b["swap"] = f.Swap
	}
	if minor(r) >= 55 {
		b["description"] = orNull(f.Description)
	}
	if minor(r) >= 61 {
		b["extra_specs"] = f.specs()
	}
	return b
}

// embedded is what a server shows of its flavor.
func (f Flavor) embedded(r *http.Request) map[string]any {
	if minor(r) < 47 {
		return map[string]any{"id": f.ID, "links": []map[string]string{{"rel": "bookmark", "href": front.Base(r) + "/flavors/" + f.ID}}}
	}
	return map[string]any{
		"vcpus": f.VCPUs, "ram": f.RAM, "disk": f.Disk, "ephemeral": f.Ephemeral, "swap": f.Swap, "original_name": f.Name,
		"extra_specs": f.specs(),
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (s *Service) listFlavors(w http.ResponseWriter, r *http.Request) error {
	return s.flavorPage(w, r, false)
}

func (s *Service) listFlavorDetails(w http.ResponseWriter, r *http.Request) error {
	return s.flavorPage(w, r, true)
}

func (s *Service) flavorPage(w http.ResponseWriter, r *http.Request, detail bool) error {
	q := r.URL.Query()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var fit []Flavor
	for _, f := range s.flavors {
		if f.Disk >= atoi(q.Get("minDisk")) && f.RAM >= atoi(q.Get("minRam")) && f.seenBy(front.CallerOf(r), q.Get("is_public")) {
			fit = append(fit, f)
		}
	}
	fit, more, err := page(fit, s.quotas.MaxPage, q, func(f Flavor) string { return f.ID })
	if err != nil {
		return err
	}
	list := []any{}
	for _, f := range fit {
		if detail {
			list = append(list, f.body(r))
		} else {
			brief := map[string]any{"id": f.ID, "name": f.Name, "links": f.links(r)}
			if minor(r) >= 55 {
				brief["description"] = orNull(f.Description)
			}
			list = append(list, brief)
		}
	}
	out := map[string]any{"flavors": list}
	if more {
		out["flavors_links"] = nextLink(r, fit[len(fit)-1].ID)
	}
	answer.JSON(w, http.StatusOK, out)
	return nil
}

// seenBy reports whether a list has the flavor; public is the query's is_public.
func (f Flavor) seenBy(c front.Caller, public string) bool {
	switch {
	case !c.Is("admin"):
		return !f.Private || slices.Contains(f.Projects, c.ProjectID)
	case strings.EqualFold(public, "false"):
		return f.Private
	}
	return true
}

func (s *Service) findFlavor(r *http.Request) (Flavor, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, ok := s.flavor(r.PathValue("id"))
	if !ok {
		return Flavor{}, answer.Fail(http.StatusNotFound, "Flavor %s could not be found.", r.PathValue("id"))
	}
	return f, nil
}

func (s *Service) showFlavor(w http.ResponseWriter, r *http.Request) error {
	f, err := s.findFlavor(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"flavor": f.body(r)})
	return nil
}

func (s *Service) flavorSpecs(w http.ResponseWriter, r *http.Request) error {
	f, err := s.findFlavor(r)
	if err != nil {
		return err
	}
	answer.JSON(w, http.StatusOK, map[string]any{"extra_specs": f.specs()})
	return nil
}
