# What a person types. `make` lists it. State goes to PARTNER_SYNC_HOME, the Python environment to .venv; nothing else
# is written, nothing is installed outside. Settings are taken from the environment or after `make`:
#   CONF='{"dry_run": true}' make run     make up PORT=8090     make test ARGS="-k mapping"     make PYTHON=python3.12 run

.SUFFIXES:
.PHONY: help run up test faults walks bench check audit readme test-browser test-production clean venv

python = .venv/bin/python

help:
	@awk -F ': .*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' Makefile

run: venv ## One complete sync in the foreground against the sandbox, and what came of it. CONF='{"dry_run": true}' only shows.
	@$(python) -m partner_sync.local run

up: venv ## The full Airflow on 127.0.0.1, until Ctrl-C. PORT=8090 chooses the port.
	@$(python) -m partner_sync.local up

test: venv ## The test suite, the browser and the production stack aside. ARGS="-k word" chooses.
	@$(python) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-browser: venv ## The page in a real browser, before a real Airflow. ARGS="-k word" chooses.
	@$(python) -m pytest -m browser tests/browser $(ARGS)

test-production: ## The stack of docker-compose.yaml, without Docker, and whatever breaks in it. ARGS="-k word" chooses.
	@./partner_sync/local/venv.sh .venv-production requirements.txt .docker/requirements.txt tests/production/requirements.txt
	@.venv-production/bin/python -m pytest -m production tests/production $(ARGS)

walks: venv ## Hundreds of random walks over the real parts, and what happened on them. WALKS=1000 chooses how many.
	@WALKS=$${WALKS:-300} $(python) -m pytest -n auto --dist worksteal tests/walks $(ARGS)

faults: venv ## The fault matrix: all that a run does suffers all that can hit it. ARGS="-k poll" chooses rows or faults.
	@$(python) -m pytest tests/faults --matrix -n auto --tb=short --show-capture=no $(ARGS)

bench: venv ## Every number to reach, as measured, beside its target. ARGS=quick is a slice of it.
	@$(python) -m tests.benchmarks $(ARGS)

check: venv ## Format, lint and types.
	@$(python) -m ruff format --check .
	@$(python) -m ruff check .
	@$(python) -m mypy

audit: venv ## Every pinned package against the published vulnerabilities; says what could not be audited.
	@$(python) .ci/audit.py

readme: venv ## The generated parts of README.md, anew.
	@$(python) .ci/readme.py

clean: ## Starts over: removes all local state, the sandbox's included. Not .venv.
	@py=$(python); [ -x $$py ] || py=$${PYTHON:-python3}; $$py -m partner_sync.local clean

venv:
	@./partner_sync/local/venv.sh
