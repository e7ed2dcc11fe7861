package nova

import (
	"maps"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/front"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/resource"
)

// hypervisorID is the UUID of the one host; before microversion 2.53 it has the number 1.
var hypervisorID = uuid.NewSHA1(uuid.NameSpaceDNS, []byte(theHost)).String()

// hypervisor serves a call about the one host, for administrators.
func hypervisor(do func(r *http.Request) any) resource.Handler {
	return func(r *http.Request, c front.Caller) (int, any, error) {
		if !c.Is("admin") {
			return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-hypervisors:list to be performed.")
		}
		if id := r.PathValue("id"); id != "" && id != hypervisorID && id != "1" {
			return 0, nil, answer.Fail(http.StatusNotFound, "Compute host %s could not be found.", id)
		}
		return http.StatusOK, do(r), nil
	}
}

// hypervisorBrief is the host in a list without details.
func (s *Service) hypervisorBrief(r *http.Request) map[string]any {
	b := map[string]any{"id": 1, "hypervisor_hostname": theHost, "state": "up", "status": "enabled"}
	if minor(r) < 53 {
		return b
	}
	b["id"] = hypervisorID
	if strings.EqualFold(r.URL.Query().Get("with_servers"), "true") {
		servers := []map[string]any{}
		for _, v := range s.order {
			servers = append(servers, map[string]any{"uuid": v.ID, "name": v.Name})
		}
		b["servers"] = servers
	}
	return b
}

// numbers are what the host has and gives.
func (s *Service) numbers() map[string]any {
	vms, cores, ram := 0, 0, 0
	for _, v := range s.order {
		vms, cores, ram = vms+1, cores+v.Flavor.VCPUs, ram+v.Flavor.RAM
	}
	const totalRAM, totalDisk = 1 << 20, 10000
	return map[string]any{
		"running_vms": vms, "vcpus": 1000, "vcpus_used": cores, "memory_mb": totalRAM, "memory_mb_used": ram, "free_ram_mb": totalRAM - ram,
		"local_gb": totalDisk, "local_gb_used": 0, "free_disk_gb": totalDisk, "disk_available_least": totalDisk, "current_workload": 0,
	}
}

func (s *Service) hypervisorBody(r *http.Request) map[string]any {
	b := s.hypervisorBrief(r)
	if minor(r) < 88 {
		maps.Copy(b, s.numbers())
	}
	b["hypervisor_type"], b["hypervisor_version"], b["host_ip"], b["cpu_info"] = "QEMU", 7002000, "127.0.0.1", ""
	b["service"] = map[string]any{"host": theHost, "id": 3, "disabled_reason": nil}
	return b
}

// searchHypervisors serves the hosts whose names have a part: a pattern of the query, or of the path before microversion 2.53.
func (s *Service) searchHypervisors(r *http.Request, c front.Caller) (int, any, error) {
	pattern := r.URL.Query().Get("hypervisor_hostname_pattern")
	if pattern == "" {
		pattern = r.PathValue("id")
	}
	switch {
	case !c.Is("admin"):
		return 0, nil, answer.Fail(http.StatusForbidden, "Policy doesn't allow os_compute_api:os-hypervisors:search to be performed.")
	case !strings.Contains(theHost, pattern):
		return 0, nil, answer.Fail(http.StatusNotFound, "No hypervisor matching '%s' could be found.", pattern)
	}
	return http.StatusOK, map[string]any{"hypervisors": []any{s.hypervisorBrief(r)}}, nil
}

// hypervisorCalls are the calls about the host.
func (s *Service) hypervisorCalls() map[string]resource.Handler {
	const at = "GET /v2.1/os-hypervisors"
	return map[string]resource.Handler{
		at:                  s.searchHypervisors,
		at + "/{id}/search": s.searchHypervisors,
		at + "/detail": hypervisor(func(r *http.Request) any {
			return map[string]any{"hypervisors": []any{s.hypervisorBody(r)}}
		}),
		at + "/statistics": hypervisor(func(*http.Request) any {
			b := s.numbers()
			b["count"] = 1
			return map[string]any{"hypervisor_statistics": b}
		}),
		at + "/{id}": hypervisor(func(r *http.Request) any { return map[string]any{"hypervisor": s.hypervisorBody(r)} }),
		at + "/{id}/uptime": hypervisor(func(r *http.Request) any {
			b := s.hypervisorBrief(r)
			b["uptime"] = " 12:00:00 up 1 day,  0:00,  0 users,  load average: 0.00, 0.00, 0.00"
			return map[string]any{"hypervisor": b}
		}),
	}
}
