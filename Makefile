# Everything runs from .venv, which the first target that needs it makes. Python 3.11 or newer, as `python3`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help

help: ## Print the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Run replank's main job on an embedded legacy fleet (about a minute).
	$(BIN)/replank demo --dir build/demo

test: $(STAMP) ## Run the tests (Python only; about 4 minutes on 2 cores).
	@# Without bytecode every worker, and every replank that a test starts, would compile everything anew.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n auto --dist worksteal

prove: ground-up ## Run the tests that only real controllers can pass (Linux, root; first time up to 45 minutes).
	$(BIN)/pytest -m "ground and not long" tests/ground

prove-full: ground-up ## Every test of the ground, resumable; writes docs/proof.md. ONLY=test_scenarios runs some.
	$(BIN)/python -m proving_ground prove-full $(addprefix --only ,$(ONLY))

prove-crash: ground-up ## Kill a takeover and its undo at every point on the ground; recorded in docs/proof.md.
	$(BIN)/python -m proving_ground prove-full --only test_crash

ground-up: $(STAMP) ## Bring the proving ground up (proving_ground/README.md). WITH=kubernetes-1.34 builds more.
	$(BIN)/python -m proving_ground up --with "$(WITH)"

ground-down: $(STAMP) ## Take the proving ground down. Its cache stays, and nothing else.
	$(BIN)/python -m proving_ground down

lint: $(STAMP) ## Check style, types and layers.
	$(BIN)/ruff check src tests scripts proving_ground
	$(BIN)/ruff format --check src tests scripts proving_ground
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) ## Time and memory of survey, audit and plan; where the ground is up, of apply too.
	$(BIN)/python -m replank.testbed.bench
	$(BIN)/python -m proving_ground bench --if-up

bench-ground: ground-up ## Take 200 clusters over through a real API server, and write docs/bench.md (about an hour).
	$(BIN)/python -m proving_ground bench --write

soak: $(STAMP) ## Simulated takeovers (10,000 seeds) and operators (1,000) with faults. SEEDS=n; SEED=n OF=operator replays one.
	$(if $(filter-out takeover,$(OF)),,$(BIN)/python -m replank.testbed.soak --seeds $(or $(SEEDS),10000))
	$(if $(filter-out operator,$(OF)),,$(BIN)/python -m replank.testbed.soak --of operator --seeds $(or $(SEEDS),1000))

lock: $(STAMP) ## Renew requirements-dev.lock from pyproject.toml.
	$(BIN)/pip install -q uv
	$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --custom-compile-command "make lock" \
	  -o requirements-dev.lock

$(STAMP): pyproject.toml requirements-dev.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	touch $@

clean: ## Remove what was built. Snapshots and plans elsewhere stay.
	rm -rf build .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help demo test prove prove-full prove-crash ground-up ground-down lint bench bench-ground soak lock clean
