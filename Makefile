# The front door: people, hooks and CI all come through here. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/slipway
UV_VERSION := $(shell sed -n 's/^uv: "\(.*\)".*/\1/p' versions.yaml)
UV := $(CACHE)/uv-$(UV_VERSION)/bin/uv
MODELS := $(shell sed -n '/^models:/,$$s/^  \([a-z0-9_]*\):$$/\1/p' params.yaml)
ENVIRONMENTS := infra $(patsubst %/pyproject.toml,%,$(wildcard environments/*/pyproject.toml))
# The servers that ours is compared with: tests and `make bench-serving` need them, and nothing else does.
STOCK := environments/mlserver environments/seldon
# Pulumi and what drives it: its pins cannot live with the rest.
INFRA := infra/.venv/bin
PLATFORM := $(INFRA)/python -m infra.automation
platform-up: export SLIPWAY_PLATFORM ?= $(or $(XDG_STATE_HOME),$(HOME)/.local/state)/slipway/$(STACK)/platform.json
OWN := . $(filter-out $(STOCK),$(ENVIRONMENTS))
MODEL ?= $(firstword $(MODELS))
PORT ?= 8080
STACK ?= local
TO ?= staging
REMOTE ?= platform
RELEASE ?=
BASE ?= main
HEAD ?= HEAD
# Recipes read these in the shell: what somebody asks a workflow for is a value there, and never a command.
export MODEL TO REMOTE RELEASE BASE HEAD
# Stages and tests find the environment's programs by name, as in an activated shell.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export UV_PYTHON := python3.11
# A company's own certificate authority is known to the system, not to uv.
export UV_SYSTEM_CERTS := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: help
help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'
	@echo; echo 'With the model and the port that you want, e.g. `make serve MODEL=$(MODEL) PORT=9000`'
	@echo 'Models: $(MODELS). Without them, MODEL is $(MODEL), PORT is $(PORT), STACK is $(STACK), TO is $(TO) and REMOTE is $(REMOTE).'

$(UV):
	python3.11 -m venv --clear $(CACHE)/uv-$(UV_VERSION)
	$(CACHE)/uv-$(UV_VERSION)/bin/python -m pip install --quiet uv==$(UV_VERSION)

# Side by side: each waits for the network and for one of its own packages more than for a core.
define install
	@printf '%s\n' $(1) | xargs -P 8 -I {} sh -c '$(UV) sync --quiet --locked --project {} && echo "  installed {}"'
	@touch $@
endef

.venv/.synced: platform-lib/pyproject.toml $(OWN:=/pyproject.toml) $(OWN:=/uv.lock) | $(UV)
	@echo 'installing $(words $(OWN)) Python environments: a few minutes and 3 GB the first time'
	$(call install,$(OWN))

.venv/.stock-synced: platform-lib/pyproject.toml $(STOCK:=/pyproject.toml) $(STOCK:=/uv.lock) | .venv/.synced
	@echo 'installing the $(words $(STOCK)) stock servers: 1 GB at most'
	$(call install,$(STOCK))

.PHONY: setup
setup: .venv/.synced  ## Install what is needed (Debian packages by apt-get where they are missing)
	@environments/debian-packages

.PHONY: setup-stock
setup-stock: setup .venv/.stock-synced  ## Install the stock servers too, which tests and bench-serving compare ours with

.PHONY: repro
repro: setup  ## Run the pipeline of every model, and record each release in MLflow
	dvc repro
	for model in $(MODELS); do slipway record $$model; slipway verdicts $$model; done

.PHONY: test
test: check repro setup-stock  ## Run every check and every test that needs no cluster
	$(INFRA)/pytest -q -c infra/pyproject.toml tests/unit/infra
	pytest

.PHONY: check
check: setup  ## Format, lint, types, import layers, rendered manifests, workflows, lock files, docs
	ruff format --check .
	ruff check .
	mypy
	$(INFRA)/mypy --config-file infra/pyproject.toml
	lint-imports --no-logo
	slipway render --check
	$$($(INFRA)/python -m infra.builds path actionlint) -shellcheck= -pyflakes=
	for part in . $(ENVIRONMENTS) $(patsubst %/pyproject.toml,%,$(wildcard images/*/pyproject.toml)); do $(UV) lock --check --quiet --project $$part; done
	pytest -q tests/layout/test_docs.py

.PHONY: format
format: setup  ## Mend format and lint where that can be done by machine
	ruff format .
	ruff check --fix .

.PHONY: serve
serve: setup  ## Serve the newest release of MODEL on PORT, and print a curl that works
	slipway serve $(MODEL) --port $(PORT) --log-format console

# What runs later is decided by pull requests.
define first_release
	slipway publish $(1) && slipway promote $(1) --to staging --first --merge && slipway promote $(1) --to production --first --merge
endef

.PHONY: promote
promote: setup  ## Promote the published release of MODEL to the environment TO on REMOTE, by a pull request
	slipway promote --to="$$TO" --remote="$$REMOTE" $${RELEASE:+--release="$$RELEASE"} -- "$$MODEL"

.PHONY: check-promotion
check-promotion: setup  ## Hold what HEAD would promote on BASE against every rule
	slipway check --base="$$BASE" --head="$$HEAD"

.PHONY: retrain
retrain: repro  ## Run the pipeline, and publish and promote to staging, on REMOTE, each release that is new there
	for model in $(MODELS); do slipway publish $$model && slipway promote $$model --to staging --remote="$$REMOTE" --new || exit; done

.PHONY: test-cluster
test-cluster: repro platform-build  ## Bring a whole platform up on this machine (Linux, root), break it, and take it down
	pytest tests/cluster --cluster

.PHONY: platform-packages
platform-packages: setup  ## Install the Debian packages that a platform needs where neither Docker nor Podman runs
	@docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1 || environments/debian-packages debian-platform

.PHONY: platform-build
platform-build: platform-packages  ## Build the platform's programs and images into the user's cache folder: half an hour the first time
	$(INFRA)/python -m infra.builds warm

.PHONY: platform-up
platform-up: platform-packages  ## Bring the platform STACK up: cluster, registry, Argo CD, add-ons, and each released model served
	$(PLATFORM) up --stack $(STACK)
	@for model in $(notdir $(wildcard releases/*)); do { $(call first_release,$$model); } || exit; done
	$(PLATFORM) wait --stack $(STACK)

.PHONY: platform-preview
platform-preview: setup  ## Show what platform-up would change, and what has drifted
	$(PLATFORM) preview --refresh --stack $(STACK)

.PHONY: platform-status
platform-status: setup  ## Show the health of the platform STACK and what to open
	$(PLATFORM) status --stack $(STACK)

.PHONY: platform-stop
platform-stop: setup  ## Stop the platform STACK and keep its data
	$(PLATFORM) stop --stack $(STACK)

.PHONY: platform-start
platform-start: setup  ## Start the stopped platform STACK
	$(PLATFORM) start --stack $(STACK)

.PHONY: platform-down
platform-down: setup  ## Take the platform STACK down and leave nothing of it
	$(PLATFORM) down --stack $(STACK)

.PHONY: report
report: setup  ## Write report/MODEL.html: everything about the newest release on one page
	for model in $(MODELS); do slipway report $$model; done

.PHONY: bench
bench: setup  ## Measure overhead, memory and packaging, as ratios in one run
	python -m benchmarks

.PHONY: bench-serving
bench-serving: setup-stock  ## Measure the model server against the stock servers, side by side in one run
	python -m benchmarks.serving

.PHONY: hooks
hooks: setup  ## Install the git hooks, which call make
	pre-commit install

.PHONY: licences
licences: setup  ## Bring the licence record of the serving image up to date with what is installed, to be reviewed
	python -m slipway.supply_chain.licences environments/serving

.PHONY: clean
clean:  ## Remove everything that make made here (not the user's cache folder)
	rm -rf .venv environments/*/.venv data artifacts releases signatures report mlflow .dvc/cache .dvc/tmp
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
