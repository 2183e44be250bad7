# Two commands for a fresh clone: `make demo` and `make test`.  They need Python >= 3.11 with venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
FEINT_ARGS ?=
DATA ?=
PROFILE ?= quick
# In the order they stand, so that the long ones, in folders of their own, are not the last.
PARALLEL = --numprocesses auto --dist loadscope --no-loadscope-reorder

.PHONY: demo reproduce test faults lint types peers bench clean
.DELETE_ON_ERROR:

demo: $(VENV)/.report
	$(BIN)/feint demo $(FEINT_ARGS)

# The paper's experiments on SBU: make reproduce DATA=sbu/ (PROFILE=full: the paper's sizes, hours).
reproduce: $(VENV)/.reproduce
	$(BIN)/feint reproduce --data "$(DATA)" --profile $(PROFILE) $(FEINT_ARGS)

test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/pytest $(PARALLEL) $(PYTEST_ARGS)

# Every fault at 30 seeded points, where `make test` takes a few.
faults: $(VENV)/.dev
	FEINT_POINTS=30 OMP_NUM_THREADS=1 $(BIN)/pytest $(PARALLEL) tests/faults $(PYTEST_ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

$(VENV)/.report $(VENV)/.reproduce $(VENV)/.dev: $(VENV)/.%: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "feint needs Python >= 3.11; $(PYTHON) is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$*]' -c constraints.txt
	@touch $@

# feint's plain descent is ART's and captum's, step for step, in the environment of `make bench`.
peers:
	PYTHON=$(PYTHON) sh benchmarks/peers/build.sh
	OMP_NUM_THREADS=1 .venv-peers/bin/python -m pytest tests/attacks/external $(PYTEST_ARGS)

# Speed beside captum, ART and foolbox, in an environment of their own; wants a quiet machine.
# `make bench DATA=sbu/` measures the whole grid as well.
bench: peers
	.venv-peers/bin/python -m benchmarks.step
	.venv-peers/bin/python -m benchmarks.scaling
	@if [ -n "$(DATA)" ]; then .venv-peers/bin/python -m benchmarks.grid --data "$(DATA)"; else \
	  echo "The grid needs SBU: make bench DATA=sbu/ (feint data download-sbu sbu/ fetches it)"; fi

clean:
	rm -rf $(VENV) .venv-peers build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
