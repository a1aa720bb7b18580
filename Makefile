# Everything a developer or CI runs. `make` alone lists the targets; CONTRIBUTING.md tells more.

SHELL       := /bin/bash
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := help

# The first Python that is new enough. Asked for only where an environment must be made.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$p" && break; done)

BIN  := .venv/bin
VENV := .venv/.made

.PHONY: help venv tools test check lint format demo dashboards dashboard-previews golden lock bench wheel clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV) ## make the environment .venv from requirements.lock
	@:

$(VENV): pyproject.toml requirements.lock deploy/tools/environment.py deploy/tools/debian.py
	@[ -n "$(PYTHON)" ] || { echo "venv: no Python 3.11 or newer found; install one, or: make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" deploy/tools/environment.py
	@touch $@

tools: $(VENV) ## fetch the real Prometheus and Alertmanager pairs into .tools
	@$(BIN)/python deploy/tools/prometheus.py

test: $(VENV) tools ## run every test, the slow ones too
	@$(BIN)/python -m pytest

lint: $(VENV) ## formatting, lint, types, the floors between packages
	@echo "lint: formatting"; $(BIN)/ruff format --check .
	@echo "lint: ruff";       $(BIN)/ruff check .
	@echo "lint: types";      $(BIN)/mypy && $(BIN)/mypy deploy/tools/*.py
	@echo "lint: floors";     $(BIN)/lint-imports --no-logo

check: lint tools ## lint, then the tests; what a change must pass
	@$(BIN)/python -m pytest

format: $(VENV) ## format the code and mend what ruff can
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

demo: $(VENV) tools ## the whole loop on this machine; ONCE=1 plays the story and ends, QUICK=1 a short one, FAULT=name breaks that
	@$(BIN)/python -m demo $(if $(filter 1,$(ONCE)),--once) $(if $(filter 1,$(QUICK)),--quick) \
		$(FAULT:%=--fault %) $(SINCE:%=--since %)

dashboards: $(VENV) ## write grafana/dashboards and their ConfigMaps from their source
	@$(BIN)/python -m grafana.source

dashboard-previews: $(VENV) tools ## draw docs/dashboards; URL=... takes a Prometheus, else the demo's past with a fault is built
	@$(BIN)/python -m grafana.source.preview $(if $(URL),--prometheus.url $(URL))

golden: $(VENV) tools ## renew the golden files; read the diff before you commit it
	@TOCSIN_RENEW_GOLDEN=1 $(BIN)/python -m pytest -m "not slow"
	@git status --short tests

# What the demo and the tests use; the other extras (prophet, pmdarima, statsforecast) are half a gigabyte.
LOCKED := exporter proof statsmodels dask postgres slack pagerduty twilio aws apprise k8s ansible calendar plot tune otel dev

lock: $(VENV) ## renew requirements.lock from pyproject.toml; UPGRADE=1 takes newer releases
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(LOCKED:%=--extra %) --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		$(if $(filter 1,$(UPGRADE)),--upgrade) pyproject.toml --output-file requirements.lock
	@git diff --stat -- requirements.lock

bench: $(VENV) tools ## run the benchmarks
	@for file in bench/[a-z]*.py; do echo "bench: $$file"; $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

wheel: $(VENV) ## build the wheel into dist
	@$(BIN)/python -m hatchling build -t wheel

clean: ## remove caches and what was built (.venv and .tools stay)
	@rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
