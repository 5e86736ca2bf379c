# Levqor. `make run` and `make test` do everything on a fresh machine; `make help` lists the rest.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Some images switch Python's cache of compiled modules off: every start then compiles a thousand files, for ten seconds.
unexport PYTHONDONTWRITEBYTECODE
# Tests and checks run with the development defaults unless the environment says otherwise.
DEVELOPMENT := DEBUG=true SECRET_KEY=$${SECRET_KEY:-test-key-that-signs-nothing-outside-the-tests-of-levqor}
PRODUCTION := DEBUG=false SECRET_KEY=only-for-the-check-7d0f0a62c1b94c5b8a3d52f6e8a9b0c1d2e3f4 SITE_URL=https://app.levqor.example

.PHONY: help run install test proof soak check fmt words bench lock

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

install: ## Make .venv/ from the hash-locked requirements
	@sh scripts/install.sh

run: install ## Start web, worker and beat with demo data on http://localhost:8000 (PORT=… for another port)
	@$(PYTHON) -m scripts.run

test: install ## The test suite on the embedded default, or on DATABASE_URL and REDIS_URL
	$(DEVELOPMENT) $(PYTHON) -m pytest -q -m "not proof and not soak" -n 2 --timeout 60

proof: install ## The long tests: races, kills, fuzzing, browser
	$(DEVELOPMENT) $(PYTHON) -m pytest -q -m "proof and not soak and not alone" -n 3 --dist worksteal --timeout 150 --durations 15
	$(DEVELOPMENT) $(PYTHON) -m pytest -q -m "proof and not soak and alone" --timeout 150 --durations 5

soak: install ## The longest tests, by hand: thousands of random cases, load, real processes stopped and killed
	$(DEVELOPMENT) $(PYTHON) -m pytest -q -m "soak and not alone" -n 2 --dist worksteal --timeout 1800 --durations 15
	$(DEVELOPMENT) $(PYTHON) -m pytest -q -m "soak and alone" --timeout 1800 --durations 15

check: install ## Lint, types, import rules, migrations, deployment settings
	ruff check .
	ruff format --check .
	$(DEVELOPMENT) mypy .
	$(DEVELOPMENT) lint-imports
	$(DEVELOPMENT) $(PYTHON) manage.py makemigrations --check --dry-run
	$(DEVELOPMENT) $(PYTHON) manage.py check
	$(PRODUCTION) $(PYTHON) manage.py check --deploy --fail-level WARNING

fmt: install ## Format and repair what can be repaired
	ruff check --fix .
	ruff format .

words: install ## Compile what the sign-in pages say (levqor/accounts/locale) after a change
	pybabel compile -d levqor/accounts/locale -D django -l en_GB

bench: install ## The benchmarks: ratios measured in one run, on SQLite and on the PostgreSQL of DATABASE_URL
	@$(PYTHON) -m bench

lock: install ## Lock the requirements anew, with hashes
	$$(sh scripts/uv.sh) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-header pyproject.toml -o requirements.txt
	$$(sh scripts/uv.sh) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-header pyproject.toml --group dev -o requirements-dev.txt
	$$(sh scripts/uv.sh) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-header bench/requirements-djstripe.in -o bench/requirements-djstripe.txt
	$$(sh scripts/uv.sh) pip compile --quiet --universal --generate-hashes --python-version 3.12 --no-header bench/requirements-drf.in -o bench/requirements-drf.txt
