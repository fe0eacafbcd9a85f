# make quickstart   compares three models on a long-tailed set (minutes, CPU)
# make test         runs the quick tests, in minutes
# make test-slow    runs the others: kills, several processes, compilation
# make test-all     runs both
# make test-onedl   runs the tests of code that uses the engine, on OneDL's fork
# make lint         runs the linter, and checks the format and the types
# make docs         builds the pages of docs/ as a site, in site/
#
# Without PYTHON these commands make and use .venv, with the tested versions.
# With PYTHON=/path/to/python they use that environment, and only add the
# packages that it lacks. TORCH=torch==2.8.0 chooses another version of torch,
# TORCH_INDEX=URL an additional index to get it from.

TORCH ?= torch==2.13.0
PIP_INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

ifdef PYTHON
# The stamp is in this clone, since another clone may share the environment.
PY := '$(subst ','\'',$(PYTHON))'
STAMP := .installed-$(shell $(PY) -c 'import sys; print(sys.prefix)' | cksum | cut -d' ' -f1)
# Only absent packages: forks, or a full mmcv, must not be overwritten.
EXTRAS := all$(shell $(PY) -c 'from importlib.util import find_spec; \
    print(*["," + m for m in ("mmengine", "mmcv", "mmaction") if not find_spec(m)], sep="")')
else
PY := .venv/bin/python
EXTRAS := all,openmmlab
CONSTRAINTS := -c requirements/constraints.txt
STAMP := .venv/.installed-$(shell echo '$(TORCH)' | cksum | cut -d' ' -f1)
endif

.PHONY: quickstart test test-slow test-all test-onedl lint docs install clean

quickstart: $(STAMP)
	$(PY) tools/quickstart.py

PYTEST := -m pytest -n auto --maxprocesses 4 --dist loadfile

test: $(STAMP)
	@echo '== Running the tests (about 6 minutes on 2 cores)'
	$(PY) $(PYTEST) -m 'not slow'

test-slow: $(STAMP)
	@echo '== Running the slow tests (about 5 minutes on 2 cores)'
	$(PY) $(PYTEST) -m slow

test-all: test test-slow

# The fork is the same package as mmengine, so it has an environment of its own.
ONEDL := .venv-onedl/bin/python
ONEDL_TESTS := $(addprefix tests/,test_functional test_models test_datasets \
    test_evaluation test_engine test_words.py test_dependencies.py test_compat.py \
    test_end_to_end.py)

test-onedl: .venv-onedl/.installed
	$(ONEDL) $(PYTEST) -m 'not slow' $(ONEDL_TESTS)

.venv-onedl/.installed: setup.py pyproject.toml $(wildcard requirements/*.txt)
	@echo '== Making .venv-onedl'
	$(ONEDL) -m pip --version 2>/dev/null || \
	    "$$(command -v python3.11 || command -v python3)" -m venv .venv-onedl
	$(ONEDL) -m pip install '$(TORCH)' $(PIP_INDEX)
	$(ONEDL) -m pip install -e '.[all,onedl]'
	@touch $@

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

docs: $(STAMP)
	$(PY) -c 'import mkdocs, material, mkdocstrings' || \
	    $(PY) -m pip install $(CONSTRAINTS) -r requirements/docs.txt
	$(PY) -m mkdocs build --strict

install: $(STAMP)

$(STAMP): setup.py pyproject.toml $(wildcard requirements/*.txt)
ifdef PYTHON
	@$(PY) -c 'import sys; print("== Adding to", sys.prefix, "what it lacks")'
	$(PY) -c 'import torch' || $(PY) -m pip install '$(TORCH)' $(PIP_INDEX)
else
	@echo '== Making .venv and installing torch'
	$(PY) -m pip --version 2>/dev/null || \
	    "$$(command -v python3.11 || command -v python3)" -m venv .venv
	$(PY) -m pip install $(CONSTRAINTS) '$(TORCH)' $(PIP_INDEX)
endif
	@echo '== Installing mmshapmix and what it needs'
	$(PY) -m pip install $(CONSTRAINTS) -e '.[$(EXTRAS)]'
	@touch $@

clean:
	rm -rf .venv .venv-onedl .installed-* work_dirs site
