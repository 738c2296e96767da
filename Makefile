# Each goal makes its own .venv where there is none, and again when pyproject.toml has changed.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
  "$$each" -c '$(NEW_ENOUGH)' 2>/dev/null && { echo "$$each"; exit; }; done; echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench fuzz recipe format clean
.DEFAULT_GOAL := test

demo: $(READY)
	$(BIN)/plimsoll demo --out demo-run

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy

bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

fuzz: $(READY)
	@for each in requests expressions policies bundles manifests members lists records forms; do \
	  $(BIN)/python tests/fuzzing.py "$$each" --seconds "$(or $(SECONDS),300)" || exit 1; done

recipe: $(READY)
	@test -n "$(NAME)" || { echo "Which one? Write: make recipe NAME=linear"; exit 2; }
	$(BIN)/python -m plimsoll.testing "$(NAME)"

format: $(READY)
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

clean:
	rm -rf $(VENV) demo-run .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(READY): pyproject.toml
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || \
	  { echo "Plimsoll needs Python 3.11 or newer, and \"$(PYTHON)\" is not. Write: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || { echo "Making $(VENV) with $(PYTHON)"; "$(PYTHON)" -m venv $(VENV); } || \
	  { echo "Python cannot make a virtual environment. On Debian or Ubuntu: apt install python3-venv"; exit 2; }
	@echo "Installing what is needed into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
