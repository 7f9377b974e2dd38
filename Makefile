.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
PYTHON := .venv/bin/python
PYTEST_ARGS ?=

.PHONY: help
help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: demo
demo: setup-runtime ## Find real tree crowns on a real aerial scene, and look at them (WAIT=0: stop after the print)
	@$(PYTHON) scripts/demo.py $(if $(filter 0,$(WAIT)),--no-wait)

.PHONY: test
test: setup-dev lint types imports test-page test-python ## Everything: lint, types, import contracts, unit, integration, browser

.PHONY: page
page: setup-runtime ## Build the page that the API serves

.PHONY: setup-runtime setup-dev setup-images setup-cluster
setup-runtime:
	@scripts/setup.sh runtime
setup-dev:
	@scripts/setup.sh dev
setup-images:
	@scripts/setup.sh images
setup-cluster:
	@scripts/setup.sh cluster

.PHONY: lint types imports test-page test-python
lint: ## Ruff, formatting and shell syntax
	@.venv/bin/ruff check . && .venv/bin/ruff format --check --quiet . && for f in scripts/*.sh requirements/*.sh .ci/run; do bash -n $$f; done
types: ## mypy, strict
	@.venv/bin/mypy
imports: ## Dependencies point one way
	@.venv/bin/lint-imports --no-cache
test-page: ## The page's types, lint and unit tests
	@scripts/check_ui.sh
test-python: ## Unit, integration and browser tests (PYTEST_ARGS="-k name")
	@scripts/test_python.sh $(PYTEST_ARGS)

.PHONY: cluster cluster-down cluster-kind cluster-kind-down test-cluster
cluster: setup-cluster ## Start a real Kubernetes of two nodes on this machine, without a way out (needs root)
	@$(PYTHON) -m tests.cluster up
cluster-down: ## Remove it with all it holds
	@$(PYTHON) -m tests.cluster down
cluster-kind: setup-cluster ## The same on kind (needs docker or podman)
	@$(PYTHON) -m tests.cluster --kind up
cluster-kind-down: ## Remove that one
	@$(PYTHON) -m tests.cluster --kind down
test-cluster: setup-cluster ## What is tested with Kubernetes, on clusters of the tests' own (needs root; PYTEST_ARGS="tests/cluster -k name"; KIND=1: the whole appliance, on kind)
	@$(if $(KIND),VEDETTE_TEST_CLUSTER=kind) scripts/test_cluster.sh $(or $(PYTEST_ARGS),$(if $(KIND),--timeout 1200 tests/cluster_appliance))

.PHONY: images
images: setup-images ## Build the images that a cluster runs, and say how large they are (NAMES="api media"; FRESH=1: with Debian's latest fixes)
	@$(PYTHON) -m images build $(if $(FRESH),--fresh) $(NAMES)

.PHONY: page-tour
page-tour: setup-dev ## Walk the page as an analyst does, and take the pictures of docs/page.md anew
	@VEDETTE_TAKE_PICTURES=1 $(PYTHON) -m pytest -q tests/browser/test_tour.py -k tour

.PHONY: bench
bench: setup-dev ## Figures side by side with a peer: NAME=backends|predict|feed|memory|merge|normalise|tiles|vectors|dispatch|ingest|page|device|gpu|operator
	@$(PYTHON) -m benchmarks $(NAME) $(BENCH_ARGS)

.PHONY: soak
soak: setup-dev ## Push 200 real scenes while every part is killed, paused, starved and cut off (SOAK_ARGS="--short --seed 1")
	@$(PYTHON) -m tests.soak $(SOAK_ARGS)

.PHONY: demo-model
demo-model: setup-dev ## Train the demo's tree-crown detector again, from the imagery to the package
	@demo/build_model.sh

.PHONY: crds
crds: ## Write crds/*.yaml again, after editing appliance/contracts/resources
	@$(PYTHON) scripts/crds.py
.PHONY: chart-values
chart-values: ## Write the lists of docs/chart.md again, after editing charts/vedette/values.yaml
	@$(PYTHON) scripts/chart_values.py
.PHONY: test-charts
test-charts: setup-cluster ## The chart as helm renders it, judged by kube-score and an API server; part of test-cluster
	@$(PYTHON) -m pytest tests/charts

.PHONY: lock
lock: ## Lock the Python dependencies again, after editing pyproject.toml
	@requirements/lock.sh

.PHONY: format
format: ## Format the Python code
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .

.PHONY: clean
clean: ## Remove what was built in the checkout
	rm -rf .venv appliance/ui/dist appliance/ui/node_modules build .mypy_cache .ruff_cache .pytest_cache
