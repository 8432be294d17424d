# Everything a developer or an operator of one machine needs. `make` alone lists the targets.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV ?= .venv
BIN := $(VENV)/bin
# The first Python that is new enough; say `make install PYTHON=/path/to/python3.12` to choose another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
# Only what the locks name, only with the locked hashes, only as wheels (no compiler is needed). `chdb` declares pandas and pyarrow and works better without.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
CLIENTS := tests/e2e/clients
# The suite starts many small processes; two workers use two cores.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest

RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
CLIENTS_STAMP := $(CLIENTS)/node_modules/.installed

# ---------------------------------------------------------------- installing and running

.PHONY: help
help: ## what this Makefile can do
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-14s %s\n", $$1, $$2}'

.PHONY: install
install: $(RUN_STAMP) $(DEV_STAMP) ## create .venv with everything pinned, for running and for developing

.PHONY: run
run: $(RUN_STAMP) ## serve at http://127.0.0.1:9000 with data in ./vedette-data
	@exec $(BIN)/vedette serve

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Vedette needs Python 3.11 or newer, and none was found." >&2; exit 1; }
	@echo "creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Could not create $(VENV). On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(RUN_STAMP): requirements/run.lock requirements/old-python.lock pyproject.toml | $(BIN)/python
	@echo "installing what Vedette runs on (once; about 250 MB, most of it the event store)"
	@$(PIP_INSTALL) --only-binary=:all: --require-hashes -r requirements/old-python.lock -r requirements/run.lock
	@$(PIP_INSTALL) --no-build-isolation --no-index --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.lock $(RUN_STAMP) | $(BIN)/python
	@echo "installing what Vedette is developed with"
	@$(PIP_INSTALL) --only-binary=:all: --require-hashes -r requirements/old-python.lock -r requirements/dev.lock
	@touch $@

.PHONY: clients
clients: $(CLIENTS_STAMP) ## the JavaScript clients that the end-to-end tests talk with (needs Node.js)

$(CLIENTS_STAMP): $(CLIENTS)/package.json $(CLIENTS)/package-lock.json
	@command -v npm >/dev/null || { echo "The end-to-end tests need Node.js and npm." >&2; exit 1; }
	@cd $(CLIENTS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# ---------------------------------------------------------------- checking

.PHONY: lint
lint: $(DEV_STAMP) ## style, layers, types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache
	@VEDETTE_SECRET_KEY=none VEDETTE_DATA_DIR=$(VENV)/lint $(BIN)/mypy

.PHONY: format
format: $(DEV_STAMP) ## let ruff write what it would complain about
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Also where the caller's environment names others, as it does in `.ci/run`.
EMBEDDED := env -u VEDETTE_TEST_DATABASE_URL -u VEDETTE_TEST_REDIS_URL

.PHONY: test
test: $(DEV_STAMP) ## unit and integration tests, on the embedded stores
	@$(EMBEDDED) $(PYTEST) -n $(WORKERS) -m "not slow" tests/unit tests/integration

.PHONY: test-all
test-all: test-slow test-stores test-e2e test-browser test-faults ## PostgreSQL and Redis, real clients, a browser, kill -9

# A PostgreSQL and a Redis that tests may use: they make what they need there, and remove it.
VEDETTE_TEST_DATABASE_URL ?= postgresql://$(shell id -un)@127.0.0.1:5432/vedette
VEDETTE_TEST_REDIS_URL ?= redis://127.0.0.1:6379/9
STORES := VEDETTE_TEST_DATABASE_URL='$(VEDETTE_TEST_DATABASE_URL)' VEDETTE_TEST_REDIS_URL='$(VEDETTE_TEST_REDIS_URL)'

.PHONY: test-slow
test-slow: $(DEV_STAMP) ## the unit and integration tests that `make test` leaves out
	@$(EMBEDDED) $(PYTEST) -n $(WORKERS) -m slow tests/unit tests/integration

# What has to do with neither of the two is left out, and commands: the real clients meet these on both.
.PHONY: test-stores
test-stores: $(DEV_STAMP) ## the integration tests on PostgreSQL and Redis
	@$(STORES) $(PYTEST) -n $(WORKERS) -m "not slow" --ignore=tests/integration/events --ignore=tests/integration/spool \
		--ignore=tests/integration/ingest --ignore=tests/integration/docs tests/integration

# What is about the clients, or the event store, which is the same one: seen once.
OF_CLIENTS := feedback_and_files javascript_sdks release_gate samples traces_and_reports

.PHONY: test-e2e
test-e2e: $(DEV_STAMP) $(CLIENTS_STAMP) ## a live server and the real SDKs, on SQLite, then on PostgreSQL and Redis
	@$(EMBEDDED) $(PYTEST) tests/e2e
	@$(STORES) $(PYTEST) $(foreach each,$(OF_CLIENTS),--ignore=tests/e2e/test_$(each).py) tests/e2e

.PHONY: test-browser
test-browser: $(DEV_STAMP) ## journeys in Chromium
	@$(EMBEDDED) $(PYTEST) tests/browser

.PHONY: test-faults
test-faults: $(DEV_STAMP) ## kill -9 of everything while events are sent, on both sets of stores
	@$(EMBEDDED) $(PYTEST) tests/faults
	@$(STORES) $(PYTEST) tests/faults

.PHONY: test-faults-full
test-faults-full: $(DEV_STAMP) ## the same at full size: 10,000 events, imports of 200,000 rows, 21 kills
	@VEDETTE_FAULT_EVENTS=10000 VEDETTE_FAULT_ROWS=200000 VEDETTE_FAULT_KILLS=21 $(PYTEST) tests/faults

.PHONY: docs-check
docs-check: $(DEV_STAMP) ## that the reference names every setting, command, reason and dependency, and no link is dead
	@$(PYTEST) tests/integration/docs

.PHONY: docs
docs: $(DEV_STAMP) ## write what the reference takes from the code
	@$(BIN)/python -m tests.support.reference
	@$(BIN)/python -m vedette.api.openapi > docs/reference/openapi.json.new
	@mv docs/reference/openapi.json.new docs/reference/openapi.json

.PHONY: bench
bench: $(DEV_STAMP) ## measure; one JSON line each in bench/results/
	@$(BIN)/python -m bench

# ---------------------------------------------------------------- the locks

# chdb declares these, and Vedette keeps them out (docs/decisions/chdb-without-pandas.md); pip comes with the venv.
LEFT_OUT := numpy pandas pyarrow python-dateutil pytz six tzdata pip distribute
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile pyproject.toml --quiet --generate-hashes --strip-extras \
	--build-deps-for editable --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	$(foreach package,$(LEFT_OUT),--unsafe-package $(package))

.PHONY: lock
lock: | $(BIN)/python ## renew the locks from pyproject.toml (`make lock UPGRADE=--upgrade` for newer versions)
	@$(BIN)/python -c 'import piptools' 2>/dev/null || $(BIN)/python -m pip install --quiet pip-tools
	@$(COMPILE) $(UPGRADE) --extra dev --output-file requirements/dev.lock
	@$(COMPILE) --constraint requirements/dev.lock --output-file requirements/run.lock
	@sed -i '/^# WARNING: /,$$d; /^# *--/d' requirements/dev.lock requirements/run.lock
	@cd $(CLIENTS) && npm install --package-lock-only --ignore-scripts --no-audit --no-fund --loglevel=error

.PHONY: clean
clean: ## remove what was installed and measured; data stays
	@rm -rf $(VENV) $(CLIENTS)/node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
