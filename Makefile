# make train   set up .venv and train the default recipe        make test   set up .venv and pass the tests
PYTHON ?= python3
PYTHON310 ?= python3.10
BIN := .venv/bin
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: train test test-all setup lint recipes frameworks oracles parity clean

train: setup
	$(BIN)/snnctl train

test: setup
	$(BIN)/python -m pytest -m "not slow" -n auto

# The long tests too: kills and resumes, two processes, sweeps.
test-all: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check snnctl tests
	$(BIN)/ruff format --check --quiet snnctl tests

# Every recipe whole, over its seeds; writes what it saw to docs/proof.md.
recipes: setup
	$(BIN)/python tests/recipes/prove.py

# The frameworks' own traces, made anew and compared with those in tests/parity/vectors.
parity: frameworks
	.venv-oracles/bin/python -m tests.parity.regenerate

# The frameworks that snnctl is compared with, in an environment of their own: .venv-oracles/bin/snnctl bench --against all
frameworks: .venv-oracles/installed

.venv-oracles/installed: tests/oracles/requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/oracles/requirements.txt
	.venv-oracles/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

# The chips' own simulators and tool chains beside ours, in environments of their own; writes what it saw to docs/proof.md.
oracles: setup frameworks .venv-xylosim/installed .venv-lava/installed .venv-spynnaker/installed
	$(BIN)/python -m tests.targets.oracles.prove

# States no licence: run here, no part of snnctl. Builds from source, needs g++.
.venv-xylosim/installed:
	$(PYTHON) -m venv .venv-xylosim
	.venv-xylosim/bin/pip install --quiet --disable-pip-version-check --no-deps numpy==2.4.6 xylosim==0.1.3
	@touch $@

# Lava 0.10.0 wants Python 3.10.
.venv-lava/installed:
	$(PYTHON310) -m venv .venv-lava
	.venv-lava/bin/pip install --quiet --disable-pip-version-check lava-nc==0.10.0
	@touch $@

.venv-spynnaker/installed:
	$(PYTHON) -m venv .venv-spynnaker
	.venv-spynnaker/bin/pip install --quiet --disable-pip-version-check 'sPyNNaker==1!7.4.1'
	@touch $@

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "snnctl needs Python 3.11 or newer; give one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf .venv .venv-* build dist
