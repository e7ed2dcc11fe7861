package nova

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
)

// span is the time that a question about use is about.
func (s *Service) span(r *http.Request) (from, to time.Time) {
	q := r.URL.Query()
	at := func(key string, otherwise time.Time) time.Time {
		for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999"} {
			if t, err := time.Parse(layout, q.Get(key)); err == nil {
				return t
			}
		}
		return otherwise
	}
	to = at("end", s.clock.Now().UTC())
	return at("start", to.Add(-time.Hour)), to
}

// usageOf is what a project's servers have used.
func (s *Service) usageOf(project string, from, to time.Time, detailed bool) map[string]any {
	var hours, cores, ram, disk float64
	servers := []map[string]any{}
	for _, v := range s.order {
		begun := v.CreatedAt
		if begun.Before(from) {
			begun = from
		}
		if v.ProjectID != project || !begun.Before(to) {
			continue
		}
		h := to.Sub(begun).Hours()
		hours, cores = hours+h, cores+h*float64(v.Flavor.VCPUs)
		ram, disk = ram+h*float64(v.Flavor.RAM), disk+h*float64(v.Flavor.Disk)
		servers = append(servers, map[string]any{
			"instance_id": v.ID, "name": v.Name, "hours": h, "flavor": v.Flavor.Name, "tenant_id": project, "state": v.VMState,
			"vcpus": v.Flavor.VCPUs, "memory_mb": v.Flavor.RAM, "local_gb": v.Flavor.Disk, "ended_at": nil,
			"started_at": v.CreatedAt.UTC().Format("2006-01-02T15:04:05.000000"), "uptime": int(to.Sub(v.CreatedAt).Seconds()),
		})
	}
	if len(servers) == 0 {
		return map[string]any{}
	}
	b := map[string]any{
		"tenant_id": project, "total_hours": hours, "total_vcpus_usage": cores, "total_memory_mb_usage": ram, "total_local_gb_usage": disk,
		"start": from.Format("2006-01-02T15:04:05.000000"), "stop": to.Format("2006-01-02T15:04:05.000000"),
	}
	if detailed {
		b["server_usages"] = servers
	}
	return b
}

func (s *Service) showUsage(r *http.Request, c front.Caller) (int, any, error) {
	project := r.PathValue("project")
	if !c.Is("admin") && c.ProjectID != project {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.")
	}
	from, to := s.span(r)
	return http.StatusOK, map[string]any{"tenant_usage": s.usageOf(project, from, to, true)}, nil
}

func (s *Service) listUsages(r *http.Request, c front.Caller) (int, any, error) {
	if !c.Is("admin") {
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-simple-tenant-usage:list to be performed.")
	}
	from, to := s.span(r)
	var projects []string
	for _, v := range s.order {
		projects = append(projects, v.ProjectID)
	}
	slices.Sort(projects)
	all := []map[string]any{}
	for _, project := range slices.Compact(projects) {
		if u := s.usageOf(project, from, to, cmp.Or(r.URL.Query().Get("detailed"), "0") == "1"); len(u) > 0 {
			all = append(all, u)
		}
	}
	return http.StatusOK, map[string]any{"tenant_usages": all}, nil
}

// listHosts and showHost serve the hosts, as Nova did before microversion 2.43.
func (s *Service) listHosts(r *http.Request, c front.Caller) (int, any, error) {
	if err := old(r, c, 43, "os-hosts:list"); err != nil {
		return 0, nil, err
	}
	all := []map[string]any{}
	for service, zone := range map[string]string{"conductor": "internal", "scheduler": "internal", "compute": "nova"} {
		all = append(all, map[string]any{"host_name": theHost, "service": service, "zone": zone})
	}
	return http.StatusOK, map[string]any{"hosts": all}, nil
}

func (s *Service) showHost(r *http.Request, c front.Caller) (int, any, error) {
	if err := old(r, c, 43, "os-hosts:show"); err != nil {
		return 0, nil, err
	}
	if r.PathValue("host") != theHost {
		return 0, nil, answer.Fail(http.StatusNotFound, "Compute host %s could not be found.", r.PathValue("host"))
	}
	n, all := s.numbers(), []map[string]any{}
	for name, of := range map[string][3]any{
		"(total)":    {n["vcpus"], n["memory_mb"], n["local_gb"]},
		"(used_now)": {n["vcpus_used"], n["memory_mb_used"], n["local_gb_used"]},
		"(used_max)": {n["vcpus_used"], n["memory_mb_used"], n["local_gb_used"]},
	} {
		all = append(all, map[string]any{"resource": map[string]any{
			"host": theHost, "project": name, "cpu": of[0], "memory_mb": of[1], "disk_gb": of[2],
		}})
	}
	return http.StatusOK, map[string]any{"host": all}, nil
}

// old refuses a call that is administrators', and isn't there any more since a microversion.
func old(r *http.Request, c front.Caller, until int, rule string) error {
	switch {
	case minor(r) >= until:
		return answer.Fail(http.StatusNotFound, "The resource could not be found.")
	case !c.Is("admin"):
		return answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:%s to be performed.", rule)
	}
	return nil
}

// agents serves what Nova has no more: agents in servers of Xen.
func agents(*http.Request, front.Caller) (int, any, error) {
	return 0, nil, answer.Fail(http.StatusGone, "This resource is no longer available. No forwarding address is given.")
}
