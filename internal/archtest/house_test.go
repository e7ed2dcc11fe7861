package archtest

import "slices"

// A row is a folder of the house: what it does, and which of our folders it may import. Imports
// point down, never up and never sideways. "dir/..." stands for a folder and everything below it.
// The first row that matches a package applies. CONTRIBUTING.md shows the rows that have a description.
type row struct {
	folder string
	does   string
	may    []string
}

type floor struct {
	name string
	rows []row
}

var house = []floor{
	{"programs", []row{
		{".", "`main.go` registers the Packer components", []string{
			"builder/...", "post-processor/...", "datasource/...",
			"provisioner/...", "version",
		}},
		{"cmd/imgctl", "starts imgctl", []string{"internal/host/...", "internal/fault", "plugins/sdk/...", "version"}},
		{"cmd/imgctl-sandbox", "starts the sandbox", []string{"sandbox/program", "version"}},
	}},
	{"Packer's doors: options, messages, artifacts", []row{
		{
			"builder/decode", "reads the options of Packer's components; an empty value is an error",
			[]string{"internal/fault", "plugins/sdk/quantity"},
		},
		{"builder/boottest", "the block `boot_test`", with(packer, "internal/image/boottest")},
		{"builder/...", "boots, provisions and captures one image", with(packer, "builder/boottest", "internal/image/boottest")},
		{"post-processor/promote", "promotes the image of a build", with(packer, "builder/boottest", "internal/image/promote")},
		{
			"post-processor/import", "brings a file into clouds, and makes it current there",
			with(packer, "builder/boottest", "internal/image/boottest", "internal/image/promote", "internal/image/upload"),
		},
		{"datasource/literal", "keeps what data sources find from being evaluated", nil},
		{"datasource/image", "finds the image to start from", with(packer, "datasource/literal")},
		{
			"datasource/catalog", "reads what to build from an Aquilon profile",
			with(packer, "internal/aquilon/profile", "datasource/literal"),
		},
		{"provisioner/quattor", "configures the server with Quattor", with(packer, "internal/aquilon/quattor")},
	}},
	{"imgctl's doors: flags, wiring, columns", []row{
		// Plugins' tokens need the same care as ours, and their requests the same patience.
		{"plugins/sdk/openstack", "gophercloud clients for plugins", []string{"plugins/sdk/...", "internal/outbound", "internal/outbound/repeat"}},
		{"plugins/sdk/...", "what plugin authors import; the protocol; the conformance kit", []string{"plugins/sdk/..."}},
		{
			"plugins/internal/bridge", "connects our plugins to subjects: clouds, errors, progress",
			with(clients, "internal/image/promote", "internal/image/boottest", "internal/schedule", "plugins/sdk/..."),
		},
		{"plugins/share", "`imgctl share`", with(door, "internal/image/share")},
		{"plugins/promote", "`imgctl promote`", with(door, "internal/image/promote", "internal/image/boottest")},
		{"plugins/retention", "`imgctl retention`", with(door, "internal/image/retention")},
		{"plugins/image", "`imgctl image`", with(door, "internal/image/boottest", "internal/image/retention")},
		{"plugins/sync", "`imgctl sync`", with(door, "internal/image/sync/...", "internal/registry")},
		{"plugins/sweep", "`imgctl sweep`", with(door, "internal/image/sweep")},
		{"plugins/catalog", "`imgctl catalog`", with(door, "internal/aquilon/profile", "internal/aquilon/convert")},
		{"plugins/prepare", "`imgctl prepare`", with(door, "internal/containers/...", "internal/registry")},
		{"plugins/ipa", "`imgctl ipa`", with(door, "internal/baremetal")},
		{
			"plugins/factory", "`imgctl factory`",
			with(door, "internal/factory/...", "internal/aquilon/profile", "internal/image/promote", "internal/queue"),
		},
		{"plugins/usage", "`imgctl usage`", with(door, "internal/image/usage")},
		{
			"plugins/cloud", "`imgctl cloud`",
			with(door, "internal/onboarding/...", "internal/image/sweep", "internal/image/promote", "internal/image/boottest", "internal/image/usage"),
		},
		{"plugins/sandbox", "`imgctl sandbox`", []string{"plugins/sdk/...", "sandbox", "sandbox/program", "internal/fault", "version"}},
		{"plugins/openstackclient/...", "the same commands as `openstack image …`", door},
	}},
	{"host", []row{
		{
			"internal/host/...", "finds, trusts and starts plugins; renders, prompts and cancels; knows nothing about images",
			with(clients, "internal/host/...", "plugins/sdk/...", "version"),
		},
	}},
	{"subjects: what happens to images", []row{
		{"internal/image/promote", "the transaction that makes an image current under a name", clients},
		// A copy for another cloud is uploaded as any image is.
		{"internal/image/share", "which projects can use which image", with(clients, "internal/image/upload")},
		// What is uploaded becomes current by a promotion, and by nothing else, after it has booted if wanted.
		{
			"internal/image/sync/...", "brings the images that stores offer, and keeps them current",
			with(
				clients, "internal/image/sync/...", "internal/image/promote", "internal/image/upload", "internal/image/boottest",
				"internal/registry", "internal/schedule",
			),
		},
		{"internal/image/upload", "brings an image's data into a cloud, in one verified stream", clients},
		{"internal/image/boottest", "boots a server from an image and waits for a sign of life", clients},
		{"internal/image/usage", "who uses an image", clients},
		// Only promote can tell the claim of a dead promotion from that of a live one.
		{"internal/image/sweep", "removes what dead runs left behind", with(clients, "internal/image/promote")},
		// Only promote can tell which image took whose name, and when; only usage, what would break.
		{
			"internal/image/retention", "lets old images leave in stages, by a policy",
			with(clients, "internal/image/promote", "internal/image/usage", "internal/page", "internal/schedule"),
		},
		{"internal/baremetal", "Ironic's deploy ramdisks: test, push, rollback", clients},
		{"internal/aquilon/profile", "what to build for an Aquilon profile, using packuilon's maps", clients},
		{"internal/aquilon/convert", "turns packuilon's templates into HCL", with(ground, "internal/aquilon/profile")},
		{"internal/aquilon/quattor", "gives a machine its Aquilon personality", clients},
		{
			"internal/factory/config", "reads packuilon's config.ini, and what the factory adds to it",
			with(ground, "internal/queue"),
		},
		// What a profile builds is decided in one place.
		{
			"internal/factory/watch", "finds profiles that have changed, and asks for builds",
			with(ground, "internal/queue", "internal/aquilon/profile"),
		},
		{
			"internal/containers/...", "which container images a deployment needs, and how they get to its registries",
			with(ground, "internal/containers/...", "internal/registry"),
		},
	}},
	{"subjects: from a change of a profile to a current image", []row{
		// A build ends with a promotion, in one transaction with what the image is marked with.
		{
			"internal/factory/worker", "takes messages, builds with packer, promotes",
			with(clients, "internal/queue", "internal/aquilon/profile", "internal/image/promote", "internal/factory/buildlog",
				"internal/factory/packer"),
		},
		// A dead letter is tried again in the same way from the page and from the command.
		{
			"internal/factory/board", "shows the factory in a browser, and to monitoring",
			with(ground, "internal/queue", "internal/factory/buildlog", "internal/factory/worker", "internal/page"),
		},
		// What a profile starts from is decided where it is decided what it builds; asking is watch's.
		{
			"internal/factory/chain", "which images start from which",
			with(ground, "internal/factory/watch", "internal/aquilon/profile", "internal/queue"),
		},
		{"internal/factory/notes", "tells how builds have ended: mail, chats, webhooks", ground},
		{"internal/factory/roster", "which workers run on this machine", ground},
		{"internal/factory/packer", "runs packer: variables, environment, process group, log", ground},
		{"internal/factory/buildlog", "the logs of builds: a folder per run", ground},
	}},
	{"subjects: a donated cloud becomes part of CI", []row{
		{"internal/onboarding/quota", "a project's quotas: the limits and what of them is used", clients},
		{"internal/onboarding/names", "names of the mirror's host and of rotated key pairs", nil},
		{"internal/onboarding/layout", "reads the layouts of ansible-role-cloud-launcher", ground},
		{"internal/onboarding/mirror", "plans the mirror of a cloud: flavor, volume, DNS", with(clients, "internal/onboarding/quota", "internal/onboarding/names")},
		// A layout's images are brought, compared and made current as those of any store.
		{
			"internal/onboarding/launch", "makes the resources of a layout in clouds",
			with(
				clients, "internal/onboarding/layout", "internal/onboarding/names", "internal/image/promote", "internal/image/sync", "internal/image/sync/store",
				"internal/image/upload", "internal/schedule",
			),
		},
		{
			"internal/onboarding/nodepool", "checks, generates and edits nodepool's configuration: only intended bytes change",
			with(clients, "internal/onboarding/quota"),
		},
		{"internal/onboarding/leaks", "finds and removes what CI left in its project", clients},
		{"internal/onboarding/drain", "follows a disabled provider until its servers are gone", clients},
		{"internal/onboarding/dashboard", "makes Grafana's dashboards of nodepool's providers", ground},
		{
			"internal/onboarding/watch", "measures how a cloud does over time, and tells when it gets worse",
			with(clients, "internal/page"),
		},
		// A server that has to be reached is booted as by any boot test; a layout's images become current by a promotion.
		{
			"internal/onboarding/...", "checks a cloud, launches what CI needs there, and configures nodepool",
			with(
				clients, "internal/onboarding/quota", "internal/onboarding/names", "internal/image/boottest", "internal/image/promote", "internal/image/upload",
				"internal/image/usage", "internal/page", "internal/schedule",
			),
		},
	}},
	{"clients: speak to one service each", []row{
		{"internal/registry", "container registries: sign-in, transport, manifests, blobs, tags", ground},
		{"internal/queue", "messages that ask for work: in a file, or in RabbitMQ", ground},
		{"internal/openstack/cloudsyaml", "what clouds.yaml and the `OS_*` variables say, as openstacksdk reads them", ground},
		{"internal/openstack/cloud", "sign-in, transport, waiting, run ids", with(ground, "internal/openstack/cloudsyaml")},
		{"internal/openstack/cloudtest", "signs tests in to clouds", with(ground, "internal/openstack/cloud")},
		{
			"internal/openstack/...",
			"one service's requests and answers; `glance` finds images and grants access; `ironic` reads and changes nodes; " +
				"`listing` reads pages",
			clients,
		},
	}},
	{"ground", []row{
		{"internal/fault", "the kinds of failure; advice as data", nil},
		{
			"internal/outbound/repeat", "sends requests again that failed in passing, where that is safe",
			[]string{"internal/change", "internal/outbound"},
		},
		{"internal/outbound", "the one way to other people's servers: origins, redirects, limits", nil},
		{"internal/report", "how a subject speaks to a person", []string{"internal/fault"}},
		{
			"internal/foreignfile", "users' YAML and JSON: limits, places of errors, nothing unknown or empty",
			[]string{"internal/fault", "plugins/sdk/quantity"},
		},
		{"internal/filelock", "locks of files between processes", nil},
		{"internal/wholefile", "writes files whole or not at all, and keeps others out meanwhile", []string{"internal/filelock"}},
		{"internal/schedule", "runs that nobody watches: units, reports, metrics", ground},
		{"internal/page", "pages for browsers: layout, tables, timelines; no network", nil},
		{
			"internal/change/changetest", "the conformance suite of changes, which tests run",
			[]string{"internal/change", "internal/report", "sandbox"},
		},
		{"internal/change", "the steps of every change: plan, apply, undo, retry, wait", with(ground)},
	}},
	{"apart: an OpenStack in one process, which imports nothing of ours", []row{
		{"sandbox", "the sandbox as a library", []string{"sandbox/internal/..."}},
		{"sandbox/internal/apitest", "clients for the tests of its services", []string{"sandbox"}},
		{"sandbox/internal/...", "its services, its servers' insides, its HTTP front", []string{"sandbox/internal/..."}},
		{"sandbox/sandboxtest", "starts one in a Go test", []string{"sandbox", "sandbox/program"}},
		{"sandbox/program", "`serve` and `run`", []string{"sandbox", "sandbox/internal/..."}},
	}},
	{"outside: judge, build, explain, show", []row{
		{"internal/archtest", "enforces this table", nil},
		{"version", "", nil},
		{"test/...", "tests from outside: docs, the real Packer, a real OpenStack, benchmarks", anything},
		{
			"tools/...",
			"separate modules: Packer, packer-sdc, golangci-lint, the maker of releases, the protocol's generator, HashiCorp's " +
				"builder to compare with",
			anything,
		},
		{"example/...", "templates and programs that tests run", anything},
	}},
}

var (
	// Durations, times and sizes are read in one place, which belongs to the SDK: it imports nothing.
	ground = []string{
		"internal/fault", "internal/report", "internal/change", "internal/outbound/...", "internal/foreignfile",
		"internal/filelock", "internal/wholefile", "plugins/sdk/quantity",
	}
	clients  = with(ground, "internal/openstack/...")
	packer   = with(clients, "builder/decode", "version")
	door     = with(clients, "plugins/sdk/...", "plugins/internal/bridge", "version")
	anything = []string{"..."}
)

func with(may []string, more ...string) []string { return slices.Concat(may, more) }

// forTests is what any package's tests may import in addition: a cloud to talk to, ports, programs to run, and
// system calls that fail.
var forTests = []string{"sandbox", "sandbox/sandboxtest", "test/loopback", "test/program", "test/straced"}

// stays lists modules that a folder's packages must not depend on, even indirectly, and why.
// Where a folder ends in "!", packages for tests alone are left out.
var stays = []struct{ folder, module, why string }{
	{"...", "github.com/hashicorp/packer", "Packer itself has another licence and other pins; it belongs to the tools module"},
	{"...", "github.com/stretchr/testify", "tests use the standard library and go-cmp"},
	{"...", "github.com/golang/mock", "tests talk to the sandbox, not to mocks"},
	{"...", "go.uber.org/mock", "tests talk to the sandbox, not to mocks"},
	{"...", "github.com/gophercloud/utils", "gophercloud v2 is enough"},
	{"internal/...", "github.com/hashicorp/packer-plugin-sdk", "subjects and clients speak to people through internal/report"},
	{"plugins/...", "github.com/hashicorp/packer-plugin-sdk", "Packer has doors of its own"},
	{"sandbox/...", "github.com/hashicorp/packer-plugin-sdk", "the sandbox knows OpenStack, not Packer"},
	{"sandbox/...!", "github.com/gophercloud/gophercloud", "a client library inside the server would repeat the client's mistakes"},
}
