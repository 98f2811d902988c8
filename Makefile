# Two commands matter: "make demo" runs the main job, "make test" runs every test.
# "make demo OPTIONS=--all" plays everything, "make demo OPTIONS=--open" opens its report.
# Each makes its own environment in .venv; nothing is installed outside this folder.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

# Tests of one file share what is costly, so they stay in one process. They wait about a fifth of
# the time, so there is one process more than processors.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
SEVERAL := --numprocesses $(WORKERS) --maxprocesses 5 --dist loadfile --no-loadscope-reorder

# If it were set, each of several hundred processes would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test near quick hostile coverage check lint types imports bench clean

demo: $(VENV)/.made-demo
	@$(BIN)/accredit demo $(OPTIONS)

# Everything that the product promises.
test: $(VENV)/.made-test
	$(BIN)/python -m pytest $(SEVERAL)

# While you work: tests of what you changed, in 90 s; those that guard most for their time, in 3 min.
near quick: $(VENV)/.made-test
	$(BIN)/python -m test_suites.tiers $@

# Every hostile service, at the smallest size that can decide.
hostile: $(VENV)/.made-test
	HOSTILE=all $(BIN)/python -m pytest $(SEVERAL) test_suites/calibration/hostile

# The tests that need no products must reach 95 % of the branches of harness and corpora.
coverage: $(VENV)/.made-test
	$(BIN)/python -m pytest $(SEVERAL) --cov=harness --cov=corpora \
		test_suites/unit test_suites/house test_suites/hostile_inputs test_suites/recorded

# The static checks; with --jobs 2 they run side by side.
check: lint types imports

lint: $(VENV)/.made-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.made-check
	$(BIN)/mypy

imports: $(VENV)/.made-check
	$(BIN)/lint-imports

bench: $(VENV)/.made-test
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .tox out

$(VENV)/.made: pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer with venv is needed" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The main job needs no extra. What it does not import need not be compiled, which takes most of the
# time; Python compiles the rest when it is imported.
$(VENV)/.made-demo: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable .
	@touch $@

# Groups need a newer pip than Python 3.11 and 3.12 bring.
$(VENV)/.made-test: $(VENV)/.made-demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group test
	touch $@

$(VENV)/.made-check: $(VENV)/.made-test
	$(BIN)/python -m pip install --quiet --group lint --group types --group imports
	touch $@
