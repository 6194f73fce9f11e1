# Everything a person needs is `make demo` and `make test`; `make help` lists the rest.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
SAMPLE := reports/sample.mp4
VIDEO ?= $(SAMPLE)
# Options for the main job, e.g. make demo ARGS="--platform x --clips 3"
ARGS ?=

.PHONY: help setup demo test check bench dashboard lab lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv from requirements.lock, install clipkit, warm the kernels

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "clipkit needs Python 3.11 or later, $(PYTHON) is $$($(PYTHON) --version). Try make setup PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: python3-venv)"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m clipkit.kernels
	@touch $(STAMP)

demo: $(STAMP)  ## make clips of the built-in sample, or of make demo VIDEO=path
	@test "$(VIDEO)" != "$(SAMPLE)" || $(BIN)/clipkit sample $(SAMPLE)
	@$(BIN)/clipkit run "$(VIDEO)" $(ARGS)

test: $(STAMP)  ## pass the tests
	$(BIN)/python -m pytest -q -n 2 tests

check: $(STAMP)  ## lint, format, types, layers, docstrings, notebooks stripped
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify notebooks/*.ipynb

bench: $(STAMP)  ## measure everything beside its peers, 30 minutes on two cores; ARGS=--quick: two or three
	$(BIN)/clipkit bench $(ARGS)
	$(BIN)/python -m clipkit.bench.table

dashboard: $(STAMP)  ## watch and tune in the browser
	$(BIN)/clipkit dashboard

lab: $(STAMP)  ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab notebooks/explore.ipynb

lock: $(STAMP)  ## write constraints.txt and requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --extra dev --no-annotate --no-header pyproject.toml -o constraints.txt
	uv pip compile -q --universal --python-version 3.11 --extra dev --no-annotate --no-header --generate-hashes pyproject.toml -o requirements.lock

clean:  ## remove the environment and caches; reports stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find clipkit tests -name __pycache__ -type d -prune -exec rm -rf {} +
