# The few commands of every day. `make` alone says what they do.
PYTHON ?= python3

help: ## This list
	@sed -n 's/^\([a-z-]*\): ## /  make \1	/p' Makefile

run: ## Mado and a simulated LINE on this machine, with demo data (HOST, PORT, DATA_DIR)
	@$(PYTHON) tools/run.py

test: ## Everything the tests need, then the whole suite; ARGS="-k word" for a part of it
	@$(PYTHON) tools/test.py $(ARGS)

lint: ## Style and common mistakes
	@$(PYTHON) tools/environment.py --for-tests >/dev/null
	@.venv/bin/ruff check .
	@.venv/bin/bandit -c pyproject.toml -q -r app linesim tools *.py

bench: ## Speed and memory, as ratios measured side by side
	@$(PYTHON) tools/environment.py --for-tests >/dev/null
	@.venv/bin/python -m bench $(ARGS)

bench-peers: ## The same work by Mado, django-helpdesk and Roundup, side by side; ARGS=--forget tidies up
	@$(PYTHON) tools/environment.py --for-tests >/dev/null
	@.venv/bin/python -m bench.peers $(ARGS)

faults: ## Kill parts of Mado while events come, and count; ARGS="--events 100000 --kills 20"
	@$(PYTHON) tools/environment.py --for-tests >/dev/null
	@.venv/bin/python -m tests.faults $(ARGS)

advisories: ## Known holes in what is pinned, as PyPI tells them today (needs the internet)
	@$(PYTHON) -m venv .advisories
	@.advisories/bin/python -m pip install -q pip-audit==2.10.1
	@.advisories/bin/pip-audit --strict --disable-pip -r requirements.txt

lock: ## Pin what requirements*.in ask for, with hashes (needs uv), and list it
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes -q requirements-dev.in -o requirements-dev.txt
	@$(PYTHON) tools/sbom.py

.PHONY: help run test lint bench bench-peers faults advisories lock
