package launch

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/internal/fault"
	"github.com/imgctl/packer-plugin-openstack/internal/onboarding/layout"
)

var quotas = &kind{name: "quotas", noun: "quota", judge: judgeQuotas, reads: []*collection{projectList}}

// limits are the names of quotas as the openstack command has them, dashes as underscores, and where they are kept.
var limits = func() map[string]struct{ service, name string } {
	all := map[string]struct{ service, name string }{}
	for service, names := range map[string]string{
		"compute": "instances cores ram key_pairs metadata_items server_groups server_group_members injected_files fixed_ips " +
			"properties=metadata_items injected_file_size=injected_file_content_bytes injected_path_size=injected_file_path_bytes",
		"volume": "volumes gigabytes snapshots backups backup_gigabytes per_volume_gigabytes groups",
		"network": "networks=network subnets=subnet ports=port routers=router floating_ips=floatingip secgroups=security_group " +
			"secgroup_rules=security_group_rule subnetpools=subnetpool rbac_policies=rbac_policy vips=vip network subnet port router " +
			"floatingip security_group security_group_rule security_groups=security_group " +
			"security_group_rules=security_group_rule subnetpool rbac_policy",
	} {
		for word := range strings.FieldsSeq(names) {
			key, name, renamed := strings.Cut(word, "=")
			if !renamed {
				name = key
			}
			all[key] = struct{ service, name string }{service, name}
		}
	}
	return all
}()

// quotaPaths are where each service keeps a project's limits, and under which key.
var quotaPaths = map[string]struct{ path, key string }{
	"compute": {"os-quota-sets/", "quota_set"}, "volume": {"os-quota-sets/", "quota_set"}, "network": {"quotas/", "quota"},
}

// judgeQuotas decides about a project's limits, which are with up to three services.
func judgeQuotas(ctx context.Context, w *world, _ *kind, r *layout.Resource) (v verdict, err error) {
	if r.Absent {
		return v, fault.New(fault.Usage, "write the limits that it is to have", "a project always has quotas")
	}
	asked := &layout.Resource{Name: r.Name, Fields: layout.Fields{}}
	project, err := w.ref(ctx, "projects", r.Name, asked)
	if err != nil {
		return v, err
	}
	sets := map[string]map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(r.Fields)) {
		value := r.Fields[key].(int) //nolint:forcetypeassert // the layout's reader made it one
		name := strings.ReplaceAll(key, "-", "_")
		to, known := limits[name]
		switch {
		case known:
		case strings.HasPrefix(name, "volumes_") || strings.HasPrefix(name, "gigabytes_") || strings.HasPrefix(name, "snapshots_"):
			what, volumeType, _ := strings.Cut(name, "_")
			to.service, to.name = "volume", what+"_"+key[len(key)-len(volumeType):] // the type keeps its dashes
		default:
			return v, fault.New(fault.Usage, "", "%s: there is no quota %q", r.At, key)
		}
		if sets[to.service] == nil {
			sets[to.service] = map[string]int{}
		}
		sets[to.service][to.name] = value
	}
	var changes []string
	changed := map[string]map[string]int{}
	for _, service := range slices.Sorted(maps.Keys(sets)) {
		have := object{}
		if project != "" {
			if have, err = w.quota(ctx, service, project); err != nil {
				return v, err
			}
		}
		for _, name := range slices.Sorted(maps.Keys(sets[service])) {
			want := sets[service][name]
			if !equal(have[name], want) {
				changes = append(changes, fmt.Sprintf("%s: %s -> %d", name, shown(have[name]), want))
				changed[service] = sets[service]
			}
		}
	}
	if len(changes) == 0 {
		return verdict{action: Same, id: project}, nil
	}
	return verdict{action: Update, reason: strings.Join(changes, ", "), id: project, do: func(ctx context.Context) (string, error) {
		for _, service := range slices.Sorted(maps.Keys(changed)) {
			at := quotaPaths[service]
			err := w.write(ctx, service, http.MethodPut, at.path+project, map[string]any{at.key: changed[service]}, nil,
				func(ctx context.Context) (bool, error) {
					now, err := w.quota(ctx, service, project)
					for name, want := range changed[service] {
						if !equal(now[name], want) {
							return false, err
						}
					}
					return true, err
				})
			if err != nil {
				return project, err
			}
		}
		return project, nil
	}}, nil
}

func (w *world) quota(ctx context.Context, service, project string) (object, error) {
	at := quotaPaths[service]
	var answer map[string]object
	err := w.get(ctx, service, at.path+project, &answer)
	return answer[at.key], err
}
