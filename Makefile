# Everything runs from `.venv`, which `make setup` prepares from the lock in requirements/.
# `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/ready
LOCK := requirements/dev.txt
# On two cores: many tests wait for something most of their time.
WORKERS ?= 4

# The first interpreter that is new enough; `make setup PYTHON=python3.13` chooses another.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c '$(NEW_ENOUGH)' 2>/dev/null && echo "$$p" && break; done)

# A `.venv` belongs to one lock and one place: its scripts hold their own path.  When either has
# changed it is made anew, so that nothing the lock no longer names stays behind.
MADE_FOR := $(shell cksum < $(LOCK)) $(CURDIR)
ifneq ($(shell cat $(READY) 2>/dev/null),$(MADE_FOR))
.PHONY: $(READY)
endif

.PHONY: setup
setup: $(READY)  ## prepare .venv from the lock (exact versions, with hashes)

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

$(READY): $(LOCK) pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed, and none was found (PYTHON=... names one)." >&2; exit 2; }
	@rm -f $(READY)
	@test "$$(cat .venv/made-for 2>/dev/null)" = "$(MADE_FOR)" && $(PIP) --version >/dev/null 2>&1 \
		|| { echo "Preparing .venv; the first time takes a minute or two."; "$(PYTHON)" -m venv --clear .venv; } \
		|| { echo "Python's venv does not work here (on Debian: apt install python3-venv)." >&2; exit 2; }
	@printf '%s\n' "$(MADE_FOR)" > .venv/made-for
	@$(PIP) install --require-hashes -r $(LOCK)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@printf '%s\n' "$(MADE_FOR)" > $(READY)

.PHONY: run
run: setup  ## start a hub on the embedded database, with a first provider and consumer
	@exec $(BIN)/hub serve --quickstart

.PHONY: test
test: setup  ## run the whole test suite, on SQLite and on a real PostgreSQL
	@exec $(BIN)/pytest -n $(WORKERS) --dist worksteal

.PHONY: chaos
chaos: setup  ## run the long tests, and what is drawn at random with fresh seeds
	@exec $(BIN)/pytest -m "long or hypothesis" --hypothesis-profile=fresh

.PHONY: mutants
mutants: setup  ## change the code bit by bit and count whether tests notice (MODULE=filter for one)
	@exec $(BIN)/python -m scripts.mutants $(MODULE)

.PHONY: bench
bench: setup  ## measure this machine
	@exec $(BIN)/python -m benchmarks

.PHONY: check
check: setup  ## lint, types, import order, proto, generated files in step
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BUF) lint
	@sh scripts/in-step && echo "Generated files are in step, and nothing breaks for clients."

# buf writes to a cache folder of its own even where it has nothing to fetch.
BUF := BUF_CACHE_DIR=.venv/buf $(BIN)/buf

.PHONY: format
format: setup  ## let ruff fix and format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: generate
generate: setup  ## write what is generated from the proto, the GraphQL types and the settings
	@sh scripts/generate .

# The one target that needs a tool from outside the lock: uv, from the package of that name.
UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE)

.PHONY: lock
lock:  ## write requirements/ anew with uv (UPGRADE=--upgrade takes newer versions)
	$(UV_COMPILE) --extra server --group dev -o requirements/dev.txt pyproject.toml
	$(UV_COMPILE) --constraint requirements/dev.txt --extra server -o requirements/server.txt pyproject.toml
	$(UV_COMPILE) --constraint requirements/dev.txt --extra client -o requirements/client.txt pyproject.toml
	$(UV_COMPILE) --constraint requirements/dev.txt --group build -o requirements/build.txt pyproject.toml

.PHONY: help
help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /\1 /p' Makefile | while read -r name what; do \
		printf '  make %-9s %s\n' "$$name" "$$what"; done
