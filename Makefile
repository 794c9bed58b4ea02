# The front door. `make` alone lists the targets; each recipe is thin and calls npm packages or scripts/.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Node.js 24 (the machine's own, or the pinned one) and the packages, put in place on first use.
NODE = $$(sh scripts/setup.sh)
BIN = node_modules/.bin

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*##/ {printf "  %-14s%s\n", $$1, $$2}' Makefile

.PHONY: demo
demo: ## Run the example job over 3 million flights, killing it twice on the way
	@node=$(NODE) && "$$node" -C flinkjob-source scripts/demo.ts

.PHONY: build
build: ## Bundle the command, the library and the test kit into dist/
	@node=$(NODE) && "$$node" scripts/build.ts

##@ Check

.PHONY: test
test: ## Run the unit, integration and conformance tests (under 10 minutes)
	@node=$(NODE) && "$$node" scripts/test.ts

.PHONY: lint
lint: ## Check style, comments on targets, and dead code
	@node=$(NODE) && "$$node" $(BIN)/biome check --error-on-warnings . && "$$node" scripts/lint.ts

.PHONY: types
types: ## Check types
	@node=$(NODE) && PATH="$$(dirname "$$node"):$$PATH" $(BIN)/tsc --noEmit

.PHONY: generated
generated: ## Check that rendered files (CRD, reference, command line, settings, manifests, chart) are up to date
	@node=$(NODE) && "$$node" scripts/render-crds.ts --check && "$$node" scripts/render-reference.ts --check && "$$node" scripts/render-cli.ts --check && "$$node" scripts/render-configuration.ts --check && "$$node" scripts/render-manifests.ts --check

.PHONY: check
check: test lint types generated ## Everything that CI runs, in CI's order

##@ Render

.PHONY: crds
crds: ## Render crds/, docs/reference/ and docs/cli.md
	@node=$(NODE) && "$$node" scripts/render-crds.ts && "$$node" scripts/render-reference.ts && "$$node" scripts/render-cli.ts && "$$node" scripts/render-configuration.ts

.PHONY: manifests
manifests: ## Render manifests/, charts/ and the roles of config/rbac/
	@node=$(NODE) && "$$node" scripts/render-manifests.ts

.PHONY: helm
helm: ## Build the pinned Helm, with which the tests render the chart (needs Go or its proxy; minutes, once)
	@node=$(NODE) && "$$node" scripts/build-helm.ts

.PHONY: format
format: ## Format the code
	@node=$(NODE) && "$$node" $(BIN)/biome check --write .

##@ Measure

.PHONY: bench
bench: ## Print throughput, capture pauses, restore time and memory
	@node=$(NODE) && "$$node" bench/bench.ts

.PHONY: bench-flink
bench-flink: ## Compare with Apache Flink, alternating in one run (needs Java)
	@node=$(NODE) && "$$node" bench/bench-flink.ts

.PHONY: soak
soak: ## Kill random jobs at random instants; KILLS=10000 SEED=1 make soak
	@node=$(NODE) && "$$node" scripts/soak.ts

.PHONY: soak-election
soak-election: ## End leaders in every way, against a real API server; TAKEOVERS=200 make soak-election
	@node=$(NODE) && "$$node" scripts/soak-election.ts

.PHONY: soak-operator
soak-operator: ## Kill the operator at every request of a job's life, against a real API server
	@node=$(NODE) && "$$node" scripts/soak-operator.ts

.PHONY: soak-faults
soak-faults: ## Try every fault on every request and field of a job, against a real API server
	@node=$(NODE) && "$$node" scripts/soak-faults.ts

.PHONY: soak-user
soak-user: ## Do to a job at random what people and clusters do; SEED=7 SEEDS=1 make soak-user
	@node=$(NODE) && "$$node" scripts/soak-user.ts

.PHONY: bench-ha
bench-ha: ## Print what the stores and elections cost on a real API server
	@node=$(NODE) && "$$node" bench/high-availability.ts

.PHONY: bench-operator
bench-operator: ## Print what the operator costs and how soon it acts; SCALE=0.1 make bench-operator
	@node=$(NODE) && "$$node" --disable-warning=ExperimentalWarning bench/operator.ts
