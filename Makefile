# ha_recovery: what a person types. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export HA_LAB ?= ha
export HA_LAB_OCTET ?= 0
export HA_LAB_RELEASE ?= trixie
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what playbooks, the lab and the demo need
	@.ci/setup run

.PHONY: setup-test
setup-test:
	@.ci/setup test

.PHONY: lab-hosts
# Not `molecule create`: Molecule believes its own notes, not the machine, and would skip hosts that are gone.
lab-hosts: setup ## boot the lab's six empty hosts
	@ansible-playbook -i inventories/lab molecule/default/create.yml

.PHONY: lab
lab: lab-hosts ## the lab, provisioned and running, for people
	@ansible-playbook -i inventories/lab playbooks/site.yml
	@echo "The lab runs. Its database: psql \"\$$(make -s lab-dsn)\"   Its state: ansible-playbook -i inventories/lab playbooks/status.yml"

.PHONY: lab-dsn
lab-dsn: ## print a DSN of the lab's application database, through the virtual IP
	@python -m tests.lab dsn

.PHONY: lab-destroy
lab-destroy: setup ## take the lab away
	@ansible-playbook -i inventories/lab molecule/default/destroy.yml

.PHONY: break
break: ## break a host of the lab: FAULT=power-cut HOST=pg1; every fault is in docs/lab.md
	@python -m tests.lab break "$(FAULT)" "$(HOST)" --with "$(WITH)"

.PHONY: heal
heal: ## undo every fault of a host of the lab: HOST=pg1
	@python -m tests.lab heal "$(HOST)"

.PHONY: test
test: setup-test ## every check: lint, unit, contract, sanity, Molecule on a lab of its own
	@python .ci/check.py

.PHONY: chaos
chaos: setup-test ## break the running lab in every way and see that it holds: SEED=1 ONLY="power_cut or frozen"
	@pytest tests/chaos -q -rA -s --seed $(or $(SEED),1) $(if $(ONLY),-k "$(ONLY)")

.PHONY: demo
demo: setup ## a power cut under load, a failover, and what clients saw of it
	@python -m tests.demo

.PHONY: bench
bench: ## figures of the running lab: WHAT="status preflight site switchover pooler failover rejoin backup restore drill" RUNS=5
	@python -m tests.bench $(WHAT) --runs $(or $(RUNS),5)

.PHONY: lock
lock: ## choose the exact versions of Python packages anew: PYTHON="3.12 3.13"
	@.ci/lock $(PYTHON)

.PHONY: clean
clean: ## remove every trace: labs, images, environments, artifacts
	@.ci/clean
