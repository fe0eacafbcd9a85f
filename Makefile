# make quickstart   a long-tailed set, two models, one table (minutes, CPU)
# make test         the whole test suite
# make lint         the linter and the formatter's check
#
# Without PYTHON they make and use .venv, with the tested versions. With
# PYTHON=/path/to/python they use that environment, and only add what it lacks.
# TORCH=torch==2.8.0 chooses another torch, TORCH_INDEX=URL where to get it.

TORCH ?= torch==2.13.0
PIP_INDEX := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

ifdef PYTHON
PY := $(PYTHON)
ENVIRONMENT := $(shell $(PYTHON) -c 'import sys; print(sys.prefix)')
else
PY := .venv/bin/python
ENVIRONMENT := .venv
CONSTRAINTS := -c requirements/constraints.txt
endif
INSTALLED := $(ENVIRONMENT)/.mmshapmix-installed

.PHONY: quickstart test lint install clean

quickstart: $(INSTALLED)
	$(PY) tools/quickstart.py

test: $(INSTALLED)
	@echo '== Running the tests (about 10 minutes on 2 cores)'
	$(PY) -m pytest

lint: $(INSTALLED)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

install: $(INSTALLED)

$(INSTALLED): setup.py pyproject.toml $(wildcard requirements/*.txt)
ifndef PYTHON
	@echo '== Making .venv'
	test -x .venv/bin/python || \
	    "$$(command -v python3.11 || command -v python3)" -m venv .venv
endif
	@echo '== Installing torch, if it is not there'
	$(PY) -c 'import torch' 2>/dev/null || \
	    $(PY) -m pip install $(CONSTRAINTS) '$(TORCH)' $(PIP_INDEX)
	@echo '== Installing mmshapmix and what it needs'
	$(PY) -m pip install $(CONSTRAINTS) -e '.[all]'
	@touch $@

clean:
	rm -rf .venv work_dirs
