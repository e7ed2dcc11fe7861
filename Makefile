# Targets with a ## comment are listed by `make`.

ROOT  := $(CURDIR)
BIN   := $(ROOT)/bin
LIBEXEC := $(ROOT)/libexec/imgctl/plugins
# imgctl as it is here, whatever the user has of their own.
PACKAGED = XDG_DATA_HOME=$(CACHE)/none XDG_CONFIG_HOME=$(CACHE)/none XDG_CACHE_HOME=$(CACHE) $(BIN)/imgctl
PLUGINS := $(filter-out sdk,$(patsubst plugins/%/main.go,%,$(wildcard plugins/*/main.go)))
CACHE := $(ROOT)/.cache

export PATH := $(BIN):$(PATH)
# Packer sees only this checkout's plugins, and calls nobody.
export PACKER_PLUGIN_PATH := $(CACHE)/packer.d
export CHECKPOINT_DISABLE := 1

SOURCE := github.com/imgctl/openstack
PACKAGES ?= ./...

GO_BUILD := CGO_ENABLED=0 go build -trimpath -ldflags='-s -w'

.DEFAULT_GOAL := help
.PHONY: help
help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## put the programs into bin/
	$(GO_BUILD) -o $(BIN)/packer-plugin-openstack .
	$(GO_BUILD) -o $(BIN)/imgctl-sandbox ./cmd/imgctl-sandbox
	$(GO_BUILD) -o $(BIN)/imgctl ./cmd/imgctl
	@$(MAKE) --no-print-directory plugins

# imgctl runs only those of its plugins whose checksums are beside them, so all change at once, and
# not at all where they are the same. Tests make them, and several of them may at a time.
.PHONY: plugins replace-plugins
plugins: ## put imgctl's plugins into libexec/
	@mkdir -p $(CACHE)
	@$(if $(shell command -v flock),flock $(CACHE)/plugins.lock) $(MAKE) --no-print-directory replace-plugins

replace-plugins:
	@rm -rf $(LIBEXEC).new $(LIBEXEC).old && mkdir -p $(LIBEXEC).new $(CACHE)/plugins
	@for name in $(PLUGINS); do \
		$(GO_BUILD) -o $(CACHE)/plugins/imgctl-$$name ./plugins/$$name && cp $(CACHE)/plugins/imgctl-$$name $(LIBEXEC).new || exit 1; \
	done
	@cd $(LIBEXEC).new && chmod 755 imgctl-* && sha256sum imgctl-* >SHA256SUMS && chmod 644 SHA256SUMS
	@if cmp -s $(LIBEXEC).new/SHA256SUMS $(LIBEXEC)/SHA256SUMS; then rm -rf $(LIBEXEC).new; else \
		if [ -d $(LIBEXEC) ]; then mv $(LIBEXEC) $(LIBEXEC).old; fi; mv $(LIBEXEC).new $(LIBEXEC); rm -rf $(LIBEXEC).old; fi
	@chmod 755 $(ROOT)/libexec $(ROOT)/libexec/imgctl $(LIBEXEC)

# Where imgctl goes: its plugins are looked for in ../libexec of the folder that it is in.
PREFIX ?= $(HOME)/.local
INSTALL := $(DESTDIR)$(PREFIX)

.PHONY: install
install: build ## install imgctl with its plugins into PREFIX, and the Packer plugin as `packer init` would
	install -d -m 755 $(INSTALL)/bin $(INSTALL)/libexec/imgctl/plugins $(INSTALL)/share/man/man1
	install -m 755 $(BIN)/imgctl $(BIN)/imgctl-sandbox $(INSTALL)/bin
	rm -f $(INSTALL)/libexec/imgctl/plugins/imgctl-*
	install -m 755 $(LIBEXEC)/imgctl-* $(INSTALL)/libexec/imgctl/plugins
	install -m 644 $(LIBEXEC)/SHA256SUMS $(INSTALL)/libexec/imgctl/plugins
	$(PACKAGED) plugin docs --format man $(INSTALL)/share/man/man1
	install -d -m 755 $(INSTALL)/share/imgctl/schedule
	install -m 644 example/schedule/* $(INSTALL)/share/imgctl/schedule
	install -d -m 755 $(INSTALL)/share/bash-completion/completions $(INSTALL)/share/zsh/site-functions $(INSTALL)/share/fish/vendor_completions.d
	$(BIN)/imgctl completion bash >$(INSTALL)/share/bash-completion/completions/imgctl
	$(BIN)/imgctl completion zsh >$(INSTALL)/share/zsh/site-functions/_imgctl
	$(BIN)/imgctl completion fish >$(INSTALL)/share/fish/vendor_completions.d/imgctl.fish
ifeq ($(DESTDIR),)
	@if command -v packer >/dev/null; then \
		set -x; env -u PACKER_PLUGIN_PATH packer plugins install --path $(BIN)/packer-plugin-openstack $(SOURCE); \
	else \
		echo "packer is not on PATH: bin/packer-plugin-openstack was not installed" >&2; \
	fi
endif

# A release's version is the source's, unless it is given. TARGETS="linux/amd64" makes it for one system.
VERSION ?= $(shell sed -n 's/.*Version = "\(.*\)"/\1/p' version/version.go | head -1)
TARGETS ?=
OUT ?= $(ROOT)/dist

.PHONY: dist test-dist
dist: ## make the files of a release in dist/: archives, packages, SBOMs, licences and checksums
	@go -C tools/dist build -o $(BIN)/dist . && $(BIN)/dist -root $(ROOT) -out $(OUT) -version $(VERSION) $(if $(TARGETS),-targets "$(TARGETS)")

# Of the tests, such as -twice.
DISTFLAGS ?=

test-dist: plugin-check ## make a release for this system, and install it; as root with debootstrap in a clean Debian
	@$(MAKE) --no-print-directory dist TARGETS=$$(go env GOOS)/$$(go env GOARCH) OUT=$(CACHE)/dist
	@$(MAKE) --no-print-directory dist TARGETS=$$(go env GOOS)/$$(go env GOARCH) OUT=$(CACHE)/dist-older VERSION=1.1.0
	IMGCTL_DIST=$(CACHE)/dist IMGCTL_DIST_OLDER=$(CACHE)/dist-older go test -count=1 -timeout 60m -v $(TESTFLAGS) ./test/dist $(if $(DISTFLAGS),-args $(DISTFLAGS))

.PHONY: test-dist-short
test-dist-short: plugin ## the same without a Debian, in a minute or two
	@$(MAKE) --no-print-directory dist TARGETS=$$(go env GOOS)/$$(go env GOARCH) OUT=$(CACHE)/dist
	IMGCTL_DIST=$(CACHE)/dist go test -count=1 -short $(TESTFLAGS) ./test/dist

.PHONY: plugin-check
plugin-check: plugin $(BIN)/packer-sdc ## have HashiCorp's packer-sdc check whether Packer can use the plugin
	cd $(BIN) && ./packer-sdc plugin-check packer-plugin-openstack

# Of `imgctl-sandbox run`, such as --faults FILE.
SANDBOX_FLAGS ?=

.PHONY: demo
demo: plugin ## build an image on the sandbox cloud and promote it, in front of your eyes
	@go build -o $(BIN)/demo ./example/demo && $(BIN)/imgctl-sandbox run $(SANDBOX_FLAGS) -- $(BIN)/demo

.PHONY: demo-packuilon
demo-packuilon: plugin ## build and promote the images of two Aquilon personalities on the sandbox cloud
	@go build -o $(BIN)/demo-packuilon ./example/packuilon && $(BIN)/imgctl-sandbox run $(SANDBOX_FLAGS) -- $(BIN)/demo-packuilon

.PHONY: demo-prepare
demo-prepare: build ## copy the images of a small deployment between two registries that it starts
	@go build -o $(BIN)/demo-prepare ./example/demo-prepare && XDG_DATA_HOME=$(CACHE)/none XDG_CONFIG_HOME=$(CACHE)/none XDG_CACHE_HOME=$(CACHE) $(BIN)/demo-prepare

.PHONY: demo-factory
demo-factory: plugin ## let a profile change, and an image follow, on the sandbox cloud; RABBIT_URL=amqp://… has two workers share a RabbitMQ
	@go build -o $(BIN)/demo-factory ./example/factory && XDG_DATA_HOME=$(CACHE)/none XDG_CONFIG_HOME=$(CACHE)/none XDG_CACHE_HOME=$(CACHE) \
		RABBIT_URL=$(RABBIT_URL) $(BIN)/imgctl-sandbox run $(SANDBOX_FLAGS) -- $(BIN)/demo-factory

.PHONY: demo-cloud
demo-cloud: build ## check a donated cloud on the sandbox, mend it, launch it, and configure nodepool for it
	@go build -o $(BIN)/demo-cloud ./example/cloud && XDG_DATA_HOME=$(CACHE)/none XDG_CONFIG_HOME=$(CACHE)/none XDG_CACHE_HOME=$(CACHE) \
		$(BIN)/imgctl-sandbox run --no-guests $(SANDBOX_FLAGS) -- $(BIN)/demo-cloud

.PHONY: test
test: plugin ## run the tests; needs no root and no cloud
	go test $(TESTFLAGS) $(PACKAGES)

# CHAOS_FLAGS="-chaos-changes 200 -chaos-workers 3 -chaos-nodes 3 -chaos-seed 8" is what it is for.
CHAOS_FLAGS ?= -chaos-changes 200 -chaos-workers 3 -chaos-nodes 3

.PHONY: chaos
chaos: plugin ## kill workers and nodes of RabbitMQ and cut cables while profiles change 200 times; see CHAOS_FLAGS
	go test -count=1 -timeout 60m ./test/factoryworker -run TestChaos -v -args $(CHAOS_FLAGS)

.PHONY: test-race
test-race: plugin ## run the tests with the race detector
	CGO_ENABLED=1 go test -race $(TESTFLAGS) $(PACKAGES)

# The oldest Packer that works with the plugin, beside the pinned one that all other tests use.
OLD_PACKER_VERSION := 1.11.2
OLD_PACKER := $(CACHE)/packer-$(OLD_PACKER_VERSION)/packer

$(OLD_PACKER):
	tools/old-packer.sh $(OLD_PACKER_VERSION) $@

.PHONY: test-old-packer
test-old-packer: plugin $(OLD_PACKER) ## run builds, examples and conversions with the oldest Packer that the plugin supports
	@$(OLD_PACKER) version
	IMGCTL_PACKER=$(OLD_PACKER) go test -count=1 $(TESTFLAGS) ./test/acceptance -run OnSandbox/build
	IMGCTL_PACKER=$(OLD_PACKER) go test -count=1 $(TESTFLAGS) ./test/packuilon
	IMGCTL_PACKER=$(OLD_PACKER) go test -count=1 $(TESTFLAGS) ./test/promotion -run TestResumeAfterPacker
	IMGCTL_PACKER=$(OLD_PACKER) go test -count=1 $(TESTFLAGS) ./test/docs -run 'Examples|Incumbent'

# Where much runs at once, without what does the same thing hundreds of times.
.PHONY: test-race-short
test-race-short: PACKAGES := ./builder/... ./internal/openstack/... ./internal/image/promote/... ./internal/host/... ./sandbox/... ./plugins/prepare/... ./plugins/sdk/...
test-race-short: override TESTFLAGS += -short
test-race-short: test-race ## the same, only where it matters most, in minutes

# How long each fuzz target runs.
FUZZTIME ?= 10m

.PHONY: fuzz
fuzz: plugin ## let each fuzz target look for what breaks, for FUZZTIME each
	@tools/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-short
fuzz-short: FUZZTIME := 3s
fuzz-short: fuzz ## the same for three seconds each

.PHONY: acceptance
acceptance: plugin ## the same claims on a real OpenStack, started for it; needs root and Debian 12
	test/acceptance/on-cloud -skip OnSandbox ./test/acceptance ./internal/image/promote
	@$(MAKE) --no-print-directory gophercloud-sandbox

# Ten minutes more: a change of the sandbox needs it, and not each change.
.PHONY: acceptance-clients
acceptance-clients: plugin ## OpenStackClient's commands and a consumer's walk on a real OpenStack, held against the sandbox
	test/acceptance/on-cloud -v -run OnCloud ./test/commands ./test/walk

.PHONY: gophercloud-acceptance gophercloud-sandbox gophercloud-acceptance-record
gophercloud-acceptance: gophercloud-sandbox ## run what of gophercloud's own tests passes on a real OpenStack: on the sandbox, and on the real one if it is up
	@if test/openstack/status >/dev/null 2>&1; then go run ./test/gophercloud -clouds $(CLOUDS) -timeout 5m -list test/gophercloud/passing.txt; \
	else echo "no real OpenStack is up to hold against it: make openstack-up starts one"; fi

gophercloud-sandbox:
	IMGCTL_GOPHERCLOUD=1 go test -count=1 -timeout 15m -v ./test/gophercloud

gophercloud-acceptance-record: ## run them all on the real OpenStack, which has to be up, and record what passes
	go run ./test/gophercloud -clouds $(CLOUDS) -timeout 5m -record test/gophercloud/passing.txt
	go run ./test/gophercloud -list test/gophercloud/passing.txt -missing test/gophercloud/missing.txt

.PHONY: commands commands-record
commands: ## say in what the sandbox answers OpenStackClient's commands otherwise than a real OpenStack
	go run ./test/commands

commands-record: ## run them on the real OpenStack, which has to be up, and record the answers
	go run ./test/commands -clouds $(CLOUDS) -record

# HashiCorp's plugin, built from the module proxy, once.
INCUMBENT := $(CACHE)/bench/packer-plugin-openstack-v1.1.4

$(INCUMBENT):
	go run ./test/bench -incumbent

.PHONY: templates templates-record
templates: plugin $(INCUMBENT) ## build 60 templates in the manner of public ones with this plugin and with HashiCorp's
	go test -count=1 -timeout 60m ./test/templates -args -incumbent $(INCUMBENT)

templates-record: plugin $(INCUMBENT) ## the same, and write what HashiCorp's gives for `make test` to compare with
	go test -count=1 -timeout 60m ./test/templates -args -incumbent $(INCUMBENT) -record

.PHONY: pairs
pairs: build ## find combinations of two options that HashiCorp's builder takes and this one refuses
	@go -C tools/pairs build -o $(CACHE)/pairs . && $(BIN)/imgctl-sandbox run --no-guests -- $(CACHE)/pairs

.PHONY: bench
bench: plugin ## measure a build against the HashiCorp plugin, sharing, retention, syncing and pushes to nodes against the openstack client, launching against Ansible, prepare against skopeo, crane and regsync, and hotfixes against buildah
	go run ./test/bench
	@if command -v docker-registry >/dev/null; then $(MAKE) --no-print-directory bench-prepare; \
	else echo "prepare isn't measured: docker-registry isn't installed"; fi
	@if [ "$$(id -u)" = 0 ] && command -v buildah rpm rpmbuild >/dev/null; then $(MAKE) --no-print-directory bench-hotfix; \
	else echo "hotfixes aren't measured: that needs root, buildah and rpm"; fi
	@if [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]; then $(MAKE) --no-print-directory bench-factory; \
	else echo "the factory isn't measured: rabbitmq-server isn't installed"; fi

.PHONY: bench-factory
bench-factory: plugin ## measure imgctl factory against packuilon's loop and a bare AMQP client; needs rabbitmq-server and python3-pika
	go test -count=1 -timeout 20m ./test/factoryworker -run TestMeasure -v -p 1 -parallel 1 -args -measure

.PHONY: bench-record
bench-record: plugin ## the same, and write the numbers into docs/performance.md
	go run ./test/bench -record docs/performance.md
	@if command -v docker-registry >/dev/null; then $(MAKE) --no-print-directory bench-prepare-record; \
	else echo "prepare isn't measured: docker-registry isn't installed"; fi
	@if [ "$$(id -u)" = 0 ] && command -v buildah rpm rpmbuild >/dev/null; then $(MAKE) --no-print-directory bench-hotfix-record; \
	else echo "hotfixes aren't measured: that needs root, buildah and rpm"; fi

.PHONY: test-hotfix
test-hotfix: ## install 200 sets of generated packages into images, and compare with rpm; needs root and rpm
	IMGCTL_HOTFIX_SETS=200 go test -count=1 -timeout 60m -run TestGeneratedSets ./test/hotfix

.PHONY: bench-hotfix
bench-hotfix: build ## measure imgctl prepare hotfix against buildah with rpm -U; needs root, buildah and rpm
	@go run ./test/bench/hotfix $(BENCH_FLAGS)

.PHONY: bench-hotfix-record
bench-hotfix-record: override BENCH_FLAGS += -record docs/performance.md
bench-hotfix-record: bench-hotfix ## the same, and write the numbers into docs/performance.md

# Peers are skopeo, where it is installed, crane of the module that we use, and regsync.
REGSYNC := github.com/regclient/regclient/cmd/regsync@v0.11.7
PEERS := $(CACHE)/bench-prepare

.PHONY: bench-prepare bench-prepare-record
bench-prepare: build $(PEERS)/crane $(PEERS)/regsync ## measure imgctl prepare alone; needs docker-registry. BENCH_FLAGS="-rounds 1 -slow 0" is faster
	@PATH=$(PEERS):$$PATH XDG_CONFIG_HOME=$(CACHE)/none XDG_CACHE_HOME=$(CACHE) go run ./test/bench/prepare $(BENCH_FLAGS)

bench-prepare-record: override BENCH_FLAGS += -record docs/performance.md
bench-prepare-record: bench-prepare ## the same, and write the numbers into docs/performance.md

$(PEERS)/crane:
	@mkdir -p $(PEERS)
	GOBIN=$(PEERS) go install github.com/google/go-containerregistry/cmd/crane

$(PEERS)/regsync:
	@mkdir -p $(PEERS)
	GOBIN=$(PEERS) go install $(REGSYNC)

# The real OpenStack's clouds.yaml, as test/openstack writes it.
CLOUDS := $(or $(IMGCTL_OPENSTACK_DIR),/srv/imgctl-openstack)/clouds.yaml

.PHONY: bench-real bench-real-record
bench-real: plugin ## the same on the real OpenStack, which has to be up
	go run ./test/bench -real $(CLOUDS)

bench-real-record: plugin ## the same, and write the numbers into docs/performance.md
	go run ./test/bench -real $(CLOUDS) -record docs/performance.md

.PHONY: openstack-up openstack-down openstack-status openstack-record
openstack-up: ## start a real OpenStack on this machine from Debian's packages; needs root
	@test/openstack/up

openstack-down: ## stop it and take its network away; PURGE=--purge removes its state too
	@test/openstack/down $(PURGE)

openstack-status: ## tell what of it runs and answers
	@test/openstack/status

openstack-record: openstack-up ## ask it the conformance catalogue and keep its answers
	go test -count=1 -run TestRecord ./test/acceptance/record -args -record $(CLOUDS)

.PHONY: lint
lint: $(BIN)/golangci-lint ## find what is wrong without running it
	$(BIN)/golangci-lint run $(PACKAGES)
	go -C tools/actions tool actionlint $(ROOT)/.github/workflows/*.yml

# packer-sdc finds the project by a folder named packer-plugin-*, whatever this checkout is called.
.PHONY: generate
generate: $(BIN)/packer-sdc ## write the HCL2 specs, and docs/reference from docs/src, the options' comments and imgctl's plugins
	@mkdir -p $(CACHE) && ln -sfn .. $(CACHE)/packer-plugin-openstack
	@cd $(CACHE)/packer-plugin-openstack && go generate $(PACKAGES)
	@rm -rf docs/reference # renderdocs doesn't shorten a file that is there
	@$(BIN)/packer-sdc renderdocs -src docs/src -partials docs-partials -dst docs/reference 2>$(CACHE)/renderdocs.log || { cat $(CACHE)/renderdocs.log >&2; exit 1; }
	@tools/web-docs.sh
	@$(GO_BUILD) -o $(BIN)/imgctl ./cmd/imgctl
	@$(MAKE) --no-print-directory plugins >/dev/null
	@go test -count=1 ./internal/archtest -run TestContributingShowsTheHouse -update >/dev/null
	@mkdir -p docs/reference/imgctl && $(PACKAGED) plugin docs docs/reference/imgctl
	@go -C tools/proto run . -root $(ROOT)/plugins/sdk/proto -docs $(ROOT)/docs/reference/plugin-protocol.md imgctl/plugin/v1/plugin.proto

.PHONY: docs
docs: generate ## the same

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf $(BIN) $(ROOT)/libexec $(CACHE) docs-partials

# What demo, test and bench stand on: the programs, a packer, and the plugin where it looks. A running
# one can't be written over, so it is removed first.
.PHONY: plugin
plugin: build packer
	@cmp -s $(BIN)/packer-plugin-openstack $(PACKER_PLUGIN_PATH)/$(SOURCE)/packer-plugin-openstack_*_$$(go env GOOS)_$$(go env GOARCH) || { \
		rm -rf $(PACKER_PLUGIN_PATH)/$(SOURCE); \
		packer plugins install --path $(BIN)/packer-plugin-openstack $(SOURCE) >/dev/null; }

# A packer of 1.11 or newer on PATH is used; else the pinned one is built, once.
.PHONY: packer
packer:
	@tools/packer.sh $(BIN)/packer

$(BIN)/packer-sdc: tools/go.mod
	cd tools && $(GO_BUILD) -o $@ github.com/hashicorp/packer-plugin-sdk/cmd/packer-sdc

$(BIN)/golangci-lint: tools/lint/go.mod
	cd tools/lint && $(GO_BUILD) -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
