# One door for chores. `make help` lists them. Needs Python 3.11 or newer, make and pip; nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
.PHONY: help demo up test test-sqlite test-postgres faults chaos hosts zones bench proofread mail-programs words lint format lock vendor pictures clean

help: ## List the chores
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## A sequence in time-lapse, end to end; checks itself
	@$(BIN)/keepshowingup demo $(if $(ARTICLE),--article "$(ARTICLE)")

up: $(VENV)/ready ## Everything in the foreground; says which addresses to open
	@$(BIN)/keepshowingup up

test: lint test-sqlite test-postgres ## All that CI runs: lint, and the tests on SQLite and on PostgreSQL

# Four at a time on two cores: tests with real processes mostly wait for them, and begin first (tests/conftest.py). What
# fails in the crowd is played once more, alone (tests/again.py).
CROWD := -n 4 --dist loadgroup --no-loadscope-reorder
test-sqlite: $(VENV)/ready-to-test ## Every test on SQLite, with real processes and a real browser
	$(BIN)/python -m tests.browser
	$(BIN)/python -m tests.again $(CROWD) -m "not long"

# What opens no database is not played again (tests/conftest.py); pages look the same on each, and hosts bring their own
# PostgreSQL: those need no second run; nor do processes whose database does not matter (marked once).
test-postgres: $(VENV)/ready-to-test ## Every test that touches a database, on a real PostgreSQL
	KSU_TEST_ON=postgres $(BIN)/python -m tests.again $(CROWD) -m "not browser and not long and not once" --ignore tests/core --ignore tests/letters --ignore tests/chaos/hosts

faults: $(VENV)/ready-to-test ## Every fault of docs/promises.md, also those that take ten minutes, on both databases
	$(BIN)/pytest tests/faults tests/acceptance -n 2 --dist loadgroup $(FAULTS)
	KSU_TEST_ON=postgres $(BIN)/pytest tests/faults tests/acceptance -n 2 --dist loadgroup $(FAULTS)

chaos: $(VENV)/ready-to-test ## Kill, freeze and flush everything: twenty seeds on PostgreSQL, ten on SQLite
	$(BIN)/python -m tests.chaos --thirty $(CHAOS)

hosts: $(VENV)/ready-to-test ## Three hosts in namespaces of their own: one cut off, one dead, one late (root)
	$(BIN)/python -m tests.chaos.hosts $(HOSTS)

zones: $(VENV)/ready-to-test ## Write docs/zones.md: what clock changes of this year and next do to letters
	$(BIN)/python -m tests.zone_table

bench: $(VENV)/ready-to-test ## Measure it on this machine, beside the naive way
	$(BIN)/python -m benchmarks

proofread: $(VENV)/ready-to-test ## How keen and how right the proofreader is, on texts labelled by hand
	$(BIN)/python -m benchmarks.proofreading $(PROOFREAD)

mail-programs: $(VENV)/ready-to-test ## Write docs/letters-in-mail-programs.md: what they ignore of our letters
	$(BIN)/python -m tests.letters.mail_programs

words: $(VENV)/ready-to-test ## Compile the words of readers' pages after a change to web/locale/*/LC_MESSAGES/django.po
	$(BIN)/python -m tests.web.catalogues

lint: $(VENV)/ready-to-test ## ruff, mypy strict, and the walls between the rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy --num-workers 2

format: $(VENV)/ready-to-test ## Put the code in the house's form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Resolve the dependencies again, into lock files with hashes
	$(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip -q install uv
	$(VENV)-lock/bin/uv pip compile -q --upgrade --generate-hashes --no-header --no-annotate --universal \
	  --python-version 3.11 --group build pyproject.toml -o requirements/runtime.lock
	$(VENV)-lock/bin/uv pip compile -q --upgrade --generate-hashes --no-header --no-annotate --universal \
	  --python-version 3.11 --group build --group dev -c requirements/runtime.lock pyproject.toml -o requirements/dev.lock
	rm -rf $(VENV)-lock

pictures: $(VENV)/ready-to-test ## Take the README's pictures of the desk again, on a walk through it
	KSU_PICTURES=docs/pictures $(BIN)/pytest tests/web/test_walk_browser.py

# Nobody else needs Node: what it makes is kept in the repository, with its hashes (tests/web/test_vendored.py).
vendor: ## Build the desk's editor and timeline libraries again, as frontend/package.json pins them (Node 20)
	cd frontend && npm install && node build.mjs

clean: ## Remove what the chores made, but for var/, which holds your data
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results

# What is installed is exactly what the lock files say, checked by hash.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "keepshowingup needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: $(VENV)/bin/python requirements/runtime.lock pyproject.toml
	@echo "Installing what it needs (a minute, once) …"
	@$(PIP) install -q --require-hashes -r requirements/runtime.lock
	@$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/ready-to-test: $(VENV)/ready requirements/dev.lock
	@echo "Installing what the tests need …"
	@$(PIP) install -q --require-hashes -r requirements/dev.lock
	@touch $@
