# make train   set up .venv and train the default recipe        make test   set up .venv and pass the tests
PYTHON ?= python3
BIN := .venv/bin
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: train test test-all setup lint recipes oracles parity clean

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
parity: oracles
	.venv-oracles/bin/python -m tests.parity.regenerate

# The frameworks that snnctl is compared with, in an environment of their own: .venv-oracles/bin/snnctl bench --against all
oracles: .venv-oracles/installed

.venv-oracles/installed: tests/oracles/requirements.txt pyproject.toml
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/oracles/requirements.txt
	.venv-oracles/bin/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

setup: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "snnctl needs Python 3.11 or newer; give one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean:
	rm -rf .venv .venv-oracles build dist
