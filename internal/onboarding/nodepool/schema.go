package nodepool

import (
	"fmt"
	"maps"
	"slices"

	"github.com/imgctl/packer-plugin-openstack/internal/foreignfile"
)

// topLevel is what nodepool's file may hold. Providers are checked by their driver.
var topLevel = shape{keys: map[string]rule{
	"webapp":              of(shape{keys: map[string]rule{"port": from(1), "listen_address": text}}),
	"elements-dir":        text,
	"images-dir":          text,
	"build-log-dir":       text,
	"build-log-retention": from(0),
	"max-hold-age":        from(0),
	"zookeeper-servers": list(of(shape{
		keys: map[string]rule{"host": text, "port": from(1), "chroot": text}, required: []string{"host"},
	})),
	"zookeeper-tls":     of(shape{keys: map[string]rule{"cert": text, "key": text, "ca": text}, required: []string{"cert", "key", "ca"}}),
	"zookeeper-timeout": decimal,
	"labels": named(shape{
		keys: map[string]rule{"name": text, "min-ready": from(-1), "max-ready-age": from(0)}, required: []string{"name"},
	}),
	"diskimages": named(diskimage),
	"tenant-resource-limits": list(of(shape{
		keys:     map[string]rule{"tenant-name": text, "max-servers": from(0), "max-cores": from(0), "max-ram": from(0)},
		required: []string{"tenant-name"},
	})),
	"providers": providers,
}}

var diskimage = shape{
	keys: map[string]rule{
		"name": text, "abstract": boolean, "parent": text, "pause": boolean, "elements": list(text), "formats": list(text),
		"release": value, "rebuild-age": from(0), "build-timeout": from(0), "build-log-retention": from(0), "dib-cmd": text,
		"env-vars": texts, "username": text, "python-path": text, "shell-type": text, "metadata": dict,
	},
	required: []string{"name"},
}

// common are the keys of all drivers' providers.
var common = map[string]rule{
	"name": text, "driver": text, "max-concurrency": from(-1), "priority": from(0), "nodepool-id": text,
}

var openStack = shape{
	keys: merged(common, map[string]rule{
		"cloud": text, "region-name": text, "boot-timeout": from(0), "launch-timeout": from(0), "launch-retries": from(0),
		"rate": decimal, "image-name-format": text, "hostname-format": text, "clean-floating-ips": boolean,
		"port-cleanup-interval": from(0), "image-upload-timeout": from(0), "post-upload-hook": text, "upload-script": text,
		"diskimages": named(shape{
			keys: map[string]rule{
				"name": text, "pause": boolean, "meta": meta, "config-drive": boolean, "connection-type": text, "connection-port": from(1),
			},
			required: []string{"name"},
		}),
		"cloud-images": named(shape{
			keys: map[string]rule{
				"name": text, "config-drive": boolean, "connection-type": text, "connection-port": from(1), "image-id": text,
				"image-name": text, "username": text, "python-path": text, "shell-type": text,
			},
			required: []string{"name"}, only: [][]string{{"image-id", "image-name"}},
		}),
		"pools": named(pool),
	}),
	required: []string{"name", "cloud"},
}

var pool = shape{
	keys: map[string]rule{
		"name": text, "max-servers": from(0), "max-cores": from(0), "max-ram": from(0), "max-volumes": from(0), "max-volume-gb": from(0),
		"priority": from(0), "ignore-provider-quota": boolean, "availability-zones": list(text), "networks": list(text),
		"security-groups": list(text), "auto-floating-ip": boolean, "host-key-checking": boolean, "node-attributes": dict,
		"labels": named(poolLabel),
	},
	required: []string{"name"},
}

var poolLabel = shape{
	keys: map[string]rule{
		"name": text, "diskimage": text, "cloud-image": text, "min-ram": from(0), "flavor-name": text, "key-name": text,
		"boot-from-volume": boolean, "volume-size": from(1), "console-log": boolean, "networks": list(text), "instance-properties": dict,
		"dynamic-instance-properties": dict, "userdata": text, "host-key-checking": boolean,
	},
	required: []string{"name"}, only: [][]string{{"diskimage", "cloud-image"}},
	some: [][]string{{"diskimage", "cloud-image"}, {"min-ram", "flavor-name"}},
}

// drivers are those of nodepool; only the first is known in detail.
var drivers = []string{
	"openstack", "aws", "azure", "azurestate", "fake", "gce", "ibmvpc", "kubernetes", "metastatic", "openshift", "openshiftpods", "static",
}

func merged(some ...map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, m := range some {
		maps.Copy(all, m)
	}
	return all
}

func providers(k *checker, v *foreignfile.Value, path string) {
	if v.Kind != foreignfile.List {
		k.add(v, Error, path, "a list is expected here, not %s", v.Kind)
		return
	}
	seen := map[string]int{}
	for n, p := range v.Items {
		at := fmt.Sprintf("%s/%d", path, n)
		if name := p.Get("name"); name != nil && name.Text != "" {
			at = path + "/" + name.Text
			if first := seen[name.Text]; first > 0 {
				k.add(name, Error, path, "there is another provider %q, on line %d", name.Text, first)
			}
			seen[name.Text] = name.Line
		}
		driver := p.Get("driver")
		switch {
		case driver == nil || driver.Text == "openstack":
			k.mapping(p, at, openStack)
		case !slices.Contains(drivers, driver.Text):
			k.add(driver, Error, at, "driver %q is unknown%s", driver.Text, meant(driver.Text, drivers))
		default:
			k.add(driver, Note, at, "providers of the driver %s are only checked for a name", driver.Text)
			if p.Get("name") == nil {
				k.add(p, Error, at, "name: it is missing")
			}
		}
	}
}
