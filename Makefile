# What can be done here. Every target sets up what it needs; tools and real
# counterparts are fetched from the package registries into the cache.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/unpark

# Each tool lies under a name with its version: another version is another file.
GOLANGCI_VERSION := v2.12.2
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)
BUF_VERSION := 1.75.0
CARDS_VERSION := 3.0.6
CARDS := $(CACHE)/adaptivecards-$(CARDS_VERSION)/node_modules/adaptivecards/dist/adaptivecards.min.js
BUF := $(CACHE)/buf-$(BUF_VERSION)/node_modules/.bin/buf

# Arguments for demo and run, e.g. make run ARGS="--roles processor".
ARGS ?=
# How long the soak goes on.
SOAK ?= 1h
# Which tests of e2e kill and break things: those of docs/kill-matrix.md.
KILL ?= ^Test(KillMatrix|Zombie|MembersComeAndGo|Storm|OneName|Network|DataDirFull|Broker|Coordinator|Outage|OnePointEach)
# How long each fuzz target runs.
FUZZTIME ?= 20s
# What the compiler is told of where the processor spends its time. Not default.pgo:
# every build and test of cmd/unpark would compile all it needs once more.
PGO = cmd/unpark/cpu.pgo
bench bench-%: export UNPARK_PGO = $(if $(filter off,$(PGO)),off,$(abspath $(PGO)))
# A folder for the pprof files of what bench-kafka, -open, -deadlines or -notify measures.
PROFILE ?=
bench-%: export UNPARK_PROFILE = $(abspath $(PROFILE))
# Which Go benchmarks run, and in which packages; with neither, bench is the
# comparison with Kafka Streams, whose report goes to REPORT.
BENCH ?=
PKG ?=
REPORT ?= docs/bench.md
# The packages whose tests start a broker, a queue or the whole program.
E2E = $(shell go list -f '{{$$p := .ImportPath}}{{range .TestImports}}{{if eq . "unpark/internal/localtest"}}{{$$p}}{{"\n"}}{{end}}{{end}}{{range .XTestImports}}{{if eq . "unpark/internal/localtest"}}{{$$p}}{{"\n"}}{{end}}{{end}}' ./... | sort -u)

.PHONY: help
help: ## Print the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: ## Build bin/unpark, by the profile in PGO (off: without, which builds faster)
	go build -trimpath -pgo=$(PGO) -o bin/unpark ./cmd/unpark

.PHONY: pgo
pgo: ## Renew the profile that build goes by, from bench-kafka, bench-deadlines and a replay of files
	rm -rf bin/pgo
	$(MAKE) bench-kafka PROFILE=bin/pgo/events PGO=off
	$(MAKE) bench-deadlines DUE=300000 PROFILE=bin/pgo/due PGO=off
	go test -pgo=off -run '^$$' -bench ReplayFiles -benchtime 1500000x -o bin/pgo/replay.test -cpuprofile bin/pgo/replay.pprof ./cmd/unpark
	go tool pprof -proto -ignore writeHistory bin/pgo/events/cpu.pprof bin/pgo/due/cpu.pprof bin/pgo/replay.pprof >bin/pgo/cpu.pgo
	mv bin/pgo/cpu.pgo cmd/unpark/cpu.pgo

.PHONY: demo
demo: ## First event to first alert on this machine, in a minute (needs Go alone)
	go run ./cmd/unpark demo $(ARGS)

.PHONY: run
run: ## Start every role (ARGS="--config DIR"), on an embedded broker unless the configuration names one
	go run ./cmd/unpark run $(ARGS)

.PHONY: topology
topology: ## Print which topics feed which handler, store and sink
	@go run ./cmd/unpark topology $(ARGS)

.PHONY: test
test: fetch ## Every test, those on a real Kafka, SQS and EventBridge included
	go test -timeout 20m ./...

.PHONY: race
race: ## The tests that need no other process, under the race detector
	go test -race -short -timeout 20m ./...

.PHONY: e2e
e2e: fetch ## Only the packages that test on a real Kafka, SQS or EventBridge
	go test -count=1 -v -timeout 20m $(E2E)

.PHONY: kill
kill: fetch ## What is killed and broken, in full: TRIES (20) a point, the rows of docs/kill-matrix.md; KILL picks tests by a pattern
	UNPARK_KILL_TRIES=$(or $(TRIES),20) UNPARK_KILL_REPORT=$(CURDIR)/docs/kill-matrix.md go test -count=1 -timeout 6h -run '$(KILL)' ./e2e

.PHONY: week
week: fetch ## Three simulated weeks of 2,000 conversations, all that is told compared with the truth
	UNPARK_WEEK=1 go test -count=1 -timeout 30m -v -run TestWeekAgainstTheTruth ./connectors/genesys

.PHONY: week-kafka
week-kafka: fetch ## A simulated week on a real Kafka and SQS with processes of their own, and a day of troubles and kills; WEEK=short: a morning each (make test has a part of one)
	UNPARK_WEEK=$(or $(WEEK),long) go test -count=1 -timeout 90m -v -run '^TestWeek' ./e2e

.PHONY: soak
soak: fetch ## Load, kills, freezes and rebalances for SOAK (1h): nothing may grow, verify must be clean; a row of docs/kill-matrix.md
	UNPARK_SOAK=$(SOAK) UNPARK_KILL_REPORT=$(CURDIR)/docs/kill-matrix.md go test -count=1 -timeout 12h -v -run TestSoak ./e2e

.PHONY: chaos
chaos: fetch ## 10,000 escalations to 20 destinations of which 5 fail, the notifier killed five times
	UNPARK_CHAOS=full go test -count=1 -timeout 30m -v -run TestNotifierChaos ./e2e

.PHONY: oracle
oracle: ## Random histories of another seed each time against the model and the laws: CHECKS (5000) a test
	go test -count=1 -timeout 6h -run 'Equal|Changes?Nothing|OneFate|TellTheSame' ./processor -rapid.checks=$(or $(CHECKS),5000) -rapid.seed=$$(date +%s%N)

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZTIME (20s)
	tools/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## Side by side with Kafka Streams, into docs/bench.md: EVENTS (2000000), ROUNDS (2), THREADS ("1 2"), REPORT; with BENCH or PKG: Go benchmarks
ifeq ($(BENCH)$(PKG),)
	@for part in kafka kstreams; do deploy/local/fetch.sh $$part >/dev/null; done
	UNPARK_BENCH_REPORT='$(abspath $(REPORT))' UNPARK_BENCH_EVENTS='$(EVENTS)' UNPARK_BENCH_ROUNDS='$(ROUNDS)' UNPARK_BENCH_THREADS='$(THREADS)' \
		go test -count=1 -timeout 60m -v -run '^TestCompare$$' ./bench
else
	go test -pgo=$$UNPARK_PGO -run '^$$' -bench '$(or $(BENCH),.)' -benchmem $(or $(PKG),./...)
endif

.PHONY: bench-all
bench-all: ## Bench, -open, -lateness, -deadlines and -restore, with their aims, into docs/aims.md: ten minutes to half an hour, with nothing beside it
	rm -rf bin/aims && mkdir -p bin/aims
	UNPARK_BENCH_AIMS=$(CURDIR)/bin/aims/aims.md sh -ec '$(MAKE) bench REPORT=bin/aims/bench.md; $(MAKE) bench-open EVENTS=1000000; \
		$(MAKE) bench-lateness OPEN=10000000 RATE=8000 SECONDS=40; $(MAKE) bench-deadlines; $(MAKE) bench-restore'
	mv bin/aims/aims.md bin/aims/bench.md docs/

.PHONY: bench-open
bench-open: fetch ## The processor with OPEN ("100000 10000000") conversations open: EVENTS (2000000) on them, as they live and then scattered, RUNNERS (2)
	UNPARK_BENCH_OPEN='$(or $(OPEN),100000 10000000)' UNPARK_BENCH_EVENTS='$(EVENTS)' UNPARK_BENCH_RUNNERS='$(RUNNERS)' \
		go test -count=1 -timeout 60m -v -run '^TestOpen$$' ./bench

.PHONY: bench-lateness
bench-lateness: fetch ## How late warnings are while RATE (20000) events a second fall on OPEN (100000) conversations: SECONDS (60), RUNNERS (2)
	UNPARK_BENCH_RATE='$(or $(RATE),20000)' UNPARK_BENCH_OPEN='$(OPEN)' UNPARK_BENCH_SECONDS='$(SECONDS)' UNPARK_BENCH_RUNNERS='$(RUNNERS)' \
		go test -count=1 -timeout 60m -v -run '^TestLateness$$' ./bench

.PHONY: bench-kafka
bench-kafka: fetch ## The processor alone on the log of bench: EVENTS (1000000), RUNNERS ("1"), PROFILE (a folder for its pprof files; also for bench-open, -deadlines, -notify)
	UNPARK_BENCH_PROCESSOR=$(or $(EVENTS),1000000) UNPARK_BENCH_RUNNERS='$(RUNNERS)' \
		go test -count=1 -timeout 30m -run TestProcessor -v ./bench

.PHONY: bench-restore
bench-restore: fetch ## Restore of RECORDS (2000000) changelog records, and a start after kill -9
	UNPARK_BENCH_RESTORE=$(or $(RECORDS),2000000) go test -count=1 -timeout 30m -run TestRestore -v ./bench

.PHONY: bench-deadlines
bench-deadlines: fetch ## DUE (1000000) deadlines in one second, with events between them
	UNPARK_BENCH_DEADLINES=$(or $(DUE),1000000) go test -count=1 -timeout 30m -run TestDeadlines -v ./bench

.PHONY: bench-edit
bench-edit: fetch ## A calendar edited under OPEN (1000000) conversations while RATE (1000) events a second fall on them, SECONDS (20) before it
	UNPARK_BENCH_EDIT='$(or $(OPEN),1000000)' UNPARK_BENCH_RATE='$(RATE)' UNPARK_BENCH_SECONDS='$(SECONDS)' go test -count=1 -timeout 30m -run '^TestEdit$$' -v ./bench

.PHONY: bench-notify
bench-notify: fetch ## The notifier on a real Kafka: ESCALATIONS (60000) to one and to two destinations that answer at once; PENDING (1000000) in the ledger for one that is out
	UNPARK_BENCH_NOTIFY='$(or $(ESCALATIONS),60000)' UNPARK_BENCH_PENDING='$(or $(PENDING),1000000)' \
		go test -count=1 -timeout 30m -run '^(TestNotify|TestPending)$$' -v ./bench

.PHONY: lint
lint: $(GOLANGCI) $(BUF) ## golangci-lint, buf lint, gofmt and go vet
	@status=0; \
	unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; status=1; fi; \
	go vet ./... || status=1; \
	GOLANGCI_LINT_CACHE=$(CURDIR)/bin/lint-cache $(GOLANGCI) run ./... || status=1; \
	$(BUF) lint || status=1; \
	exit $$status

.PHONY: generate
generate: $(BUF) ## Generate Go from the Protobuf files and the OpenAPI file
	$(BUF) generate
	$(BUF) generate --template buf.gen.input.yaml --path schemas/input.proto
	go tool oapi-codegen -config connectors/genesys/api/oapi-codegen.yaml connectors/genesys/api/openapi.yaml

.PHONY: generate-check
generate-check: $(BUF) ## That generated code is current and that no schema breaks a reader
	tools/generate-check.sh $(BUF)

.PHONY: docs-check
docs-check: ## That the map of packages is true and that the documents' links and commands exist
	go test -count=1 -run '^TestLayout' ./cmd/unpark
	tools/docs-check.sh

.PHONY: pictures
pictures: $(CARDS) ## Draw the messages of docs/notifications.md (needs Chromium)
	go run ./tools/pictures -adaptivecards $(CARDS) -out docs/pictures

.PHONY: fetch
fetch: ## Fetch Kafka, ElasticMQ and the like into the cache (the tests do it by themselves)
	@for part in kafka elasticmq kstreams moto consumer; do deploy/local/fetch.sh $$part >/dev/null; done

.PHONY: clean
clean: ## Remove what was built here; the cache of tools stays
	rm -rf bin
	go clean ./...

$(GOLANGCI):
	@mkdir -p $(@D)
	@echo "building golangci-lint $(GOLANGCI_VERSION), once, some minutes"
	@tmp=$$(mktemp -d $(@D)/build.XXXXXX); trap 'rm -rf "$$tmp"' EXIT; \
	GOBIN="$$tmp" GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); \
	mv "$$tmp/golangci-lint" $@

$(CARDS):
	@npm install --silent --no-audit --no-fund --prefix $(CACHE)/adaptivecards-$(CARDS_VERSION) adaptivecards@$(CARDS_VERSION)
	@test -f $@

$(BUF):
	@echo "fetching buf $(BUF_VERSION)"
	@npm install --silent --no-audit --no-fund --prefix $(CACHE)/buf-$(BUF_VERSION) @bufbuild/buf@$(BUF_VERSION)
	@test -x $@
