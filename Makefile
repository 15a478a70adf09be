# make run and make test are all the set-up there is: they need Python 3.11 or later, pip and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
HOME_DIR := $(or $(EXIT_PIPELINE_HOME),.exit_pipeline)

.DEFAULT_GOAL := help
.PHONY: help run ui test test-ui screenshots check audit-dependencies bench sim sim-long sim-mutants crash clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

# The lock file pins everything, so pip has nothing to resolve; .pyc files are made at installation,
# without which every start takes more than twice as long.
$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("exit_pipeline needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Say which one with: make PYTHON=python3.11 ...")'
	@echo "Installing into $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/installed-ui: $(VENV)/installed-dev requirements-ui.lock
	@$(INSTALL) --require-hashes -r requirements-ui.lock
	@touch $@

run: $(VENV)/installed  ## Run the exit job once on the shipped sample day
	@$(BIN)/exit-pipeline sample

ui: $(VENV)/installed  ## Open Dagster's UI with the schedule running, on 127.0.0.1:3000
	@$(BIN)/exit-pipeline ui

check: $(VENV)/installed-dev  ## Format, lint, types and layers
	@$(BIN)/ruff format --check --quiet . || ($(BIN)/ruff format --check . ; exit 1)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log || (cat $(VENV)/lint-imports.log; exit 1)

test: check  ## Check and test everything
	@$(BIN)/python -m pytest -n 2
	@echo "NOT RUN: the browser tests. Run them with: make test-ui"

test-ui: $(VENV)/installed-ui  ## Test the UI in a headless Chromium: CHROMIUM=FILE takes that one
	@$(BIN)/python -m exit_pipeline_tests.ui.chromium
	@$(BIN)/python -m pytest exit_pipeline_tests/ui

screenshots: $(VENV)/installed-ui  ## Make the README's pictures anew, into docs
	@$(BIN)/python -m exit_pipeline_tests.ui.chromium
	@$(BIN)/python -m exit_pipeline_tests.ui.screenshots docs

audit-dependencies: $(VENV)/installed-dev  ## Ask whether a pinned dependency has a known vulnerability
	@$(BIN)/python -m exit_pipeline_tests.audit_dependencies

bench: $(VENV)/installed-dev  ## Print the speed figures, as ratios measured in one run
	@$(BIN)/python -m benchmarks

# One seed is shown with its history; a failed one among many is shrunk to the faults that it takes.
SIMULATION := $(BIN)/python -m exit_pipeline_tests.simulation --jobs $(or $(JOBS),2)

sim: $(VENV)/installed-dev  ## Simulate whole days with faults: SEEDS=500 SEED_FROM=1, or SEED=7
	@$(SIMULATION) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100) --from $(or $(SEED_FROM),1))

sim-long: $(VENV)/installed-dev  ## Simulate 10,000 days more, adding to the counts of before
	@$(SIMULATION) --seeds $(or $(SEEDS),10000) --keep $(HOME_DIR)/simulation.json

sim-mutants: $(VENV)/installed-dev  ## Put mistakes into the program that the simulator must find
	@$(BIN)/python -m exit_pipeline_tests.simulation.mutants --jobs $(or $(JOBS),2) --seeds $(or $(SEEDS),900) \
		--keep exit_pipeline_tests/simulation/mutants/killed.json

crash: $(VENV)/installed-dev  ## Kill ticks, and the whole stack, at every point: JSON=FILE keeps the figures
	@$(BIN)/python -m exit_pipeline_tests.crash $(if $(JSON),--json $(JSON))
	@CRASH_RUNS=all $(BIN)/python -m pytest exit_pipeline_tests/crash/test_dagster.py

clean:  ## Remove the environment and the local database
	rm -rf $(VENV) $(HOME_DIR)
