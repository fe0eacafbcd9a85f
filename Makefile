# make quickstart   a long-tailed set, three models, one table (minutes, CPU)
# make test         the whole test suite
# make lint         the linter and the formatter's check
# make docs         the pages of docs/ as a site, in site/
#
# Without PYTHON they make and use .venv, with the tested versions. With
# PYTHON=/path/to/python they use that environment, and only add what it lacks.
# TORCH=torch==2.8.0 chooses another torch, TORCH_INDEX=URL where to get it.

TORCH ?= torch==2.13.0
PIP_INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

ifdef PYTHON
# A stamp in this clone, since another clone may share the environment.
PY := '$(subst ','\'',$(PYTHON))'
STAMP := .installed-$(shell $(PY) -c 'import sys; print(sys.prefix)' | cksum | cut -d' ' -f1)
# mmcv and mmcv-lite are one package: a full mmcv must not be written over.
EXTRAS := all$(shell $(PY) -c 'import mmcv' 2>/dev/null || echo ,mmcv)
else
PY := .venv/bin/python
EXTRAS := all,mmcv
CONSTRAINTS := -c requirements/constraints.txt
STAMP := .venv/.installed-$(shell echo '$(TORCH)' | cksum | cut -d' ' -f1)
endif

.PHONY: quickstart test lint docs install clean

quickstart: $(STAMP)
	$(PY) tools/quickstart.py

test: $(STAMP)
	@echo '== Running the tests (less than half an hour on 2 cores)'
	$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

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
	rm -rf .venv .installed-* work_dirs site
