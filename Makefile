# One word runs what CI runs. Works from any folder: `make -C cairn test`, `make -f cairn/Makefile test`.
ROOT := $(shell cd "$$(dirname "$(strip $(MAKEFILE_LIST))")" && pwd)
IN   := cd "$(ROOT)" &&
PY   := .venv/bin/python

.PHONY: help demo test setup up bench lint types imports check docs soak lock clean advisories
.NOTPARALLEL:
help:            ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1	/p' "$(ROOT)/Makefile" | expand -t 16
demo: setup      ## the main job on a simulated tenant, told as a story
	@$(IN) $(PY) -m local demo $(DEMO)
test: check      ## set-up, lint, types and every test
	@$(IN) $(PY) -m pytest -q -m 'not slow' -n 2 --dist loadfile
setup:           ## the set-up alone, into .venv and node_modules
	@$(IN) sh tools/setup.sh
up: setup        ## the local stack on port 7071 until Ctrl-C
	@$(IN) exec $(PY) -m local up --port 7071 --data .cairn --env-file .env
bench: setup     ## the side-by-side measurements
	@$(IN) $(PY) -m bench
lint: setup      ## ruff, and bandit on what runs in Azure (B608 is ruff's S608 here: each place with its reason)
	@$(IN) $(PY) -m ruff check --quiet --output-format concise .
	@$(IN) $(PY) -m bandit --quiet --recursive --severity-level medium --skip B608 api activities orchestrators shared \
		function_app.py
types: setup     ## mypy, strict
	@$(IN) $(PY) -m mypy --no-error-summary
imports: setup   ## import-linter: who may import whom
	@$(IN) $(PY) .venv/bin/lint-imports --no-logo
check: lint types imports
docs: setup      ## the generated documents anew
	@$(IN) $(PY) -m shared.catalog.docs && $(PY) -m shared.settings_page > docs/settings.md && $(PY) -m tools.deployment_files
advisories: setup ## known vulnerabilities of the locked packages, asked of the public advisories
	@$(IN) .venv/bin/uv tool run --quiet pip-audit --strict --disable-pip --require-hashes -r requirements.lock
soak: setup      ## the slow tests, 50 kills while a backup runs, and a backup of a million users
	@$(IN) $(PY) -m pytest -q -m slow && $(PY) tests/laws/soak_kills.py && $(PY) -m bench --part million --results bench/.cache/soak.json
lock: setup      ## requirements.lock and package-lock.json anew, from the pins
	@$(IN) sh tools/lock.sh
clean:           ## everything that set-up and runs have made
	@$(IN) rm -rf .venv node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
