# Wangge: `make demo` and `make test` do everything on a bare Debian or Ubuntu with python3 >= 3.11 and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PYTHON ?= python3
# Where it is set, each of many processes would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
DEMO ?= demo
# One more than processors: tests of pages and of killed processes wait for a third of their time.
TEST_PROCESSES ?= $(shell echo $$(( $$(nproc) + 1 )))
UV_COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate

PIP_INSTALL = set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off
# A line for each package that is fetched, and the last, after which pip is silent for a while.
TELL_PIP = | sed -un -e 's/^ *\(Downloading\|Using cached\) /  &/p' -e 's/^\(Installing\) collected packages:.*/  \1 them/p'

.PHONY: help demo test fuzz check bench lock vendor clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## make the sample district, divide, assign, find gaps, draw the map into demo/, and serve it
	@$(BIN)/wangge demo -o $(DEMO)

test: check ## everything that must hold: lint, types, import rules, and all tests
	@.ci/system-packages tests
	@$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder

fuzz: $(VENV)/.dev ## all property tests on fresh random examples, until you stop it
	@while HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -n 2 -m hypothesis; do :; done

check: $(VENV)/.dev ## lint, types, import rules and declared dependencies
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry gis layers api
	@$(BIN)/deptry tests benchmarks docs --exclude notebooks --ignore DEP002,DEP004

bench: $(VENV)/.dev ## measure beside the named peers (minutes)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

lock: $(VENV)/.dev ## resolve the dependencies anew into requirements/ (add UPGRADE=--upgrade to raise versions)
	$(UV_COMPILE) $(UPGRADE) --extra build pyproject.toml -o requirements/runtime.txt
	$(UV_COMPILE) $(UPGRADE) --extra build --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt

vendor: $(VENV)/.dev ## fetch the vendored JavaScript of the manifest anew and verify it
	@$(BIN)/python -m layers.vendored layers/maps/vendor api/web/vendor

clean: ## remove what the targets above have made
	@rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

# An environment without pip is one whose making was interrupted, without python one whose system python is gone.
$(BIN)/python $(BIN)/pip &:
	@.ci/system-packages venv
	@echo "Making the Python environment in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml $(BIN)/python $(BIN)/pip
	@echo "Installing the locked dependencies of requirements/runtime.txt"
	@$(PIP_INSTALL) --require-hashes -r requirements/runtime.txt $(TELL_PIP)
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable . $(TELL_PIP)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the locked development tools of requirements/dev.txt"
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt $(TELL_PIP)
	@touch $@
