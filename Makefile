# Everything sets itself up: Python 3.11 or newer and the package registries are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Pins what is known to work together; empty it to get the newest of everything.
CONSTRAINTS ?= constraints.txt
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
READY := $(VENV)/ready
LOWEST := .venv-lowest
# Old versions use what is deprecated by now, and the old TestClient leaves its streams open.
OLD_HABITS := -W "ignore::DeprecationWarning" -W "ignore:Unclosed <MemoryObject:ResourceWarning"

.PHONY: example test test-lowest check bench profile pictures format constraints clean

## Run the example app; with no Stack project in the environment it brings a local Stack along.
## PORT says where.
example: $(READY)
	$(BIN)/python -m example_app $(addprefix --port ,$(PORT))

## All tests, with branch coverage of the package.
test: $(READY)
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

## The same tests with the lowest versions that pyproject.toml allows, but for what those lack.
test-lowest: $(LOWEST)/ready
	$(LOWEST)/bin/python -m pytest $(OLD_HABITS) -m "not newer_fastapi and not type_checkers" \
		--numprocesses auto --dist loadfile $(PYTEST_ARGS)

## Linters, types, the import contract, the snippets of the docs.
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --quiet README.md docs

## What the kit costs, as ratios measured side by side: docs/benchmarks.md.
bench: $(READY)
	$(INSTALL) --group bench $(addprefix --constraint ,$(CONSTRAINTS))
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.hostile_tokens
	$(BIN)/python -m benchmarks.local_stack

## Which functions the time of a warm request goes to.
profile: $(READY)
	$(BIN)/python -m benchmarks.warm_profile

## The README's pictures of the local Stack's page.
pictures: $(READY)
	$(BIN)/python -m tests.page.pictures docs/images

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

## Pin the newest and the lowest versions that the ranges allow.
PIN := $(BIN)/uv pip compile --quiet --all-extras --python-version 3.11 --universal --no-header \
	--no-annotate --no-emit-index-url
constraints: $(READY)
	$(PIN) --upgrade --group dev --group bench --output-file constraints.txt pyproject.toml
	$(PIN) --upgrade --group test --resolution lowest-direct \
		--output-file constraints-lowest.txt pyproject.toml

clean:
	rm -rf $(VENV) $(LOWEST) build dist .coverage .coverage.* .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml $(wildcard $(CONSTRAINTS))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(INSTALL) --editable ".[all]" --group dev $(addprefix --constraint ,$(CONSTRAINTS))
	touch $@

$(LOWEST)/ready: pyproject.toml constraints-lowest.txt $(READY)
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST)/bin/python --editable ".[all]" --group test \
		--constraint constraints-lowest.txt
	touch $@
