# One word per chore. Needs Python 3.11+ (venv, pip, headers), g++ and make; everything else goes into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := pyproject.toml CMakeLists.txt $(wildcard src/cutline/core/*.cpp src/cutline/core/*.hpp)
EXTRAS := dev

.PHONY: demo test test-all coverage lint format bench docs renew clean

demo: $(VENV)/.base ## fit on real mails, choose a cut, write the report
	@$(BIN)/cutline demo

test: $(VENV)/.dev ## everything but the slow simulations
	@$(BIN)/python -m pytest -n auto --dist loadfile

test-all: $(VENV)/.dev ## with the slow simulations
	@$(BIN)/python -m pytest -n auto --dist loadfile -m ""

coverage: $(VENV)/.dev ## do intervals cover, do guarantees hold? The table goes to docs/
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.coverage

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## ours and the peers in one process, ratios printed
	@$(BIN)/python benchmarks/core.py
	@$(BIN)/python benchmarks/decision.py
	@$(BIN)/python benchmarks/commands.py
	@$(BIN)/python benchmarks/checks.py
	@$(BIN)/python benchmarks/page.py

docs: $(VENV)/.dev ## build the site of the documentation into build/site; broken links stop it
	@$(BIN)/python docs/make_reference.py
	@$(BIN)/python docs/make_api.py
	@$(BIN)/zensical build --strict --clean

renew: $(VENV)/.dev ## make anew what the documentation shows: what examples print, and the pictures
	@$(BIN)/python docs/make_outputs.py
	@$(BIN)/python docs/make_images.py

clean:
	rm -rf $(VENV) .cache build dist out docs/reference

# The compiled core is built by pip; it is built again when one of SOURCES changes.
$(VENV)/.base: $(SOURCES)
	@$(call check)
	@test -x $(BIN)/python || (echo "making $(VENV)"; $(PYTHON) -m venv $(VENV))
	@echo "installing cutline into $(VENV) (the first time takes a minute or two)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: $(SOURCES)
	@$(call check)
	@test -x $(BIN)/python || (echo "making $(VENV)"; $(PYTHON) -m venv $(VENV))
	@echo "installing cutline and its development tools into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]"
	@touch $@ $(VENV)/.base

define check
command -v $(PYTHON) >/dev/null || { echo "cutline needs Python 3.11 or newer: '$(PYTHON)' was not found (set PYTHON=...)" >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cutline needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V) (set PYTHON=...)" >&2; exit 1; }; \
$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "cutline needs Python's venv and pip; on Debian: apt-get install python3-venv python3-pip" >&2; exit 1; }; \
$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")))' || { echo "cutline needs Python's C headers (Python.h); on Debian: apt-get install python3-dev" >&2; exit 1; }; \
command -v $${CXX:-g++} >/dev/null || { echo "cutline needs a C++20 compiler: '$${CXX:-g++}' was not found; on Debian: apt-get install g++" >&2; exit 1; }
endef
