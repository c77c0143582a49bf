# SPDX-License-Identifier: MIT
# `make help` lists the targets. Every target does its own set-up; the first run takes a minute or two.

PYTHON ?= python3
VENV := .venv/bin/python
READY := .tools/stamp

.PHONY: help setup demo mpy test test-mp bench sizes powercut powercut-selftest lint format clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 20

setup: ## Python packages into .venv, MicroPython and test inputs into .tools; no root needed
	@$(PYTHON) -m tools.setup

$(READY): $(filter-out requirements/lint.txt requirements/typings.txt,$(wildcard requirements/*.txt)) $(wildcard tools/setup/*.py tools/setup/lwm2m-node/*)
	@$(PYTHON) -m tools.setup

demo: $(READY) ## a good update, then a broken one that rolls back (CLOUD=rainmaker|broker|lwm2m, INTERPRETER=micropython32|micropython|cpython; lwm2m: STRATEGY=SendBased..., METHOD=pull|push, PROTOCOL=coap|coaps|http|https)
	@$(VENV) -m simulator demo$(if $(CLOUD), --cloud $(CLOUD))$(if $(INTERPRETER), --interpreter $(INTERPRETER))$(if $(STRATEGY), --strategy $(STRATEGY))$(if $(METHOD), --method $(METHOD))$(if $(PROTOCOL), --protocol $(PROTOCOL))

mpy: $(READY) ## the agent compiled for a board: build/mpy, for `mpremote mip install build/mpy/package.json`
	@$(VENV) -m tools.make_mpy build/mpy

test: $(READY) ## all tests: pytest, then the unit tests once more on MicroPython
	@$(VENV) -m pytest -n auto
	@$(VENV) tests/run_mp.py

test-mp: $(READY) ## the unit tests of the firmware on MicroPython, 32 and 64 bit
	@$(VENV) tests/run_mp.py

bench: $(READY) ## speed of an update, as a ratio to a bare loop
	@$(VENV) -m simulator bench

sizes: $(READY) ## bytes per module, bytes allocated per block, smallest heap
	@$(VENV) -m simulator sizes

powercut: $(READY) ## cut the power everywhere, judge every run, write build/powercut/report.html (QUICK=1, FULL=1)
	@$(VENV) -m simulator powercut $(if $(QUICK),--quick) $(if $(FULL),--full)

powercut-selftest: $(READY) ## bugs planted in the firmware: the campaign has to catch each
	@$(VENV) -m simulator powercut-selftest

lint: $(READY) ## style, types, house rules
	@$(PYTHON) -m tools.setup --lint
	@$(VENV) -m ruff check
	@$(VENV) -m ruff format --check
	@$(VENV) -m basedpyright
	@$(VENV) -m tools.lint

format: $(READY) ## let ruff put the code into shape
	@$(PYTHON) -m tools.setup --lint
	@$(VENV) -m ruff check --fix
	@$(VENV) -m ruff format

clean: ## remove what the other targets made
	rm -rf .venv .tools typings build .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
