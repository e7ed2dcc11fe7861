package storetest

// makeRings makes the three rings: one zone with one device, and one replica.
const makeRings = `
import sys
from swift.common.ring import RingBuilder
folder = sys.argv[1]
for name, port in zip(("account", "container", "object"), sys.argv[2:]):
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1", "weight": 1.0,
                  "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
    ring.rebalance()
    ring.get_ring().save(folder + "/" + name + ".ring.gz")
`

// fillList puts entries into the list of a container of the account that tests have.
const fillList = `
import glob, sys
from swift.container.backend import ContainerBroker
folder, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
for file in glob.glob(folder + "/disk/d1/containers/*/*/*/*.db"):
    broker = ContainerBroker(file)
    if broker.get_info()["container"] != name:
        continue
    broker.merge_items([
        {"name": "%08d.log" % n, "created_at": "1700000000.00000", "size": 0, "content_type": "text/plain",
         "etag": "d41d8cd98f00b204e9800998ecf8427e", "deleted": 0} for n in range(number)])
    sys.exit(0)
sys.exit("there is no container " + name)
`

// common is the beginning of each server's configuration: its port, user and folder. What a crash of the machine would
// lose needn't be kept.
const common = `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = %[1]d
user = %[2]s
swift_dir = %[3]s
devices = %[3]s/disk
mount_check = false
workers = 0
fallocate_reserve = 0
disable_fallocate = true
log_level = ERROR
log_address = %[3]s/none
recon_cache_path = %[3]s/cache
`

// servers are the rest of their configurations.
var servers = map[string]string{
	"account":   "[pipeline:main]\npipeline = account-server\n[app:account-server]\nuse = egg:swift#account\n",
	"container": "[pipeline:main]\npipeline = container-server\n[app:container-server]\nuse = egg:swift#container\n",
	"object":    "[pipeline:main]\npipeline = object-server\n[app:object-server]\nuse = egg:swift#object\n",
	"proxy": `[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats tempauth slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
error_suppression_limit = 100000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:CACHE
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
`,
}
