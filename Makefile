# Everything that is done with berth from a checkout. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MOLECULE_GLOB := molecule/*/molecule.yml
export MOLECULE_COMMAND_BORDERS := 0
VENV := .venv/.stamp
VAULT := inventories/demo/.vault-password
demo test test-full bench molecule: export ANSIBLE_VAULT_PASSWORD_FILE := $(CURDIR)/$(VAULT)

.PHONY: help venv engine demo demo-down lint format sanity unit archive molecule test test-full bench lab-down build lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

venv: $(VENV) ## .venv from requirements.lock
$(VENV): requirements.lock scripts/venv.sh
	@scripts/venv.sh

$(VAULT): | $(VENV)
	@scripts/vault_password.sh

engine: $(VENV) ## make sure a Docker engine answers
	@python -m lab engine

demo: $(VENV) $(VAULT) ## a throwaway server, and site.yml run against it
	@scripts/demo.sh

demo-down: $(VENV) ## remove the demo's server
	@python -m lab down demo

lint: $(VENV) ## ruff, mypy, yamllint, ansible-lint
	@scripts/lint.sh

format: $(VENV) ## what ruff can repair by itself
	@ruff check --fix --quiet; ruff format

sanity: $(VENV) ## ansible-test sanity on what ships
	@scripts/sanity.sh

unit: $(VENV) ## unit tests with coverage
	@pytest --cov --cov-report=term-missing:skip-covered

archive: $(VENV) ## build the archive, install it elsewhere and use it
	@scripts/check_archive.sh

molecule: engine $(VAULT) ## one scenario: make molecule SCENARIO=stack
	@molecule test --scenario-name $(or $(SCENARIO),default)

test: $(VENV) $(VAULT) ## all of the above, and the scenarios stack, changes and default
	@python scripts/run_tests.py

test-full: $(VENV) $(VAULT) ## test, with every scenario and the long acceptance tests
	@python scripts/run_tests.py --full

bench: engine $(VAULT) ## measure what docs/measured.md reports
	@python -m tests.bench

lab-down: $(VENV) ## remove everything the lab made
	@python -m lab down --all

build: $(VENV) ## the collection's archive in dist/
	@scripts/build.sh dist

lock: ## requirements.lock anew from pyproject.toml
	@scripts/lock.sh
