# Two commands: `make demo` shows the portal, `make test` checks it. `make help` lists the rest.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench bench-web drills pictures environment
MAKEFLAGS += --no-print-directory

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

demo: environment ## start the demo bank; PORT=8001 for another address, Ctrl-C stops it
	@exec $(BIN)/python -m demo $(if $(PORT),--port='$(PORT)')

test: environment ## run the whole suite; ARGS="-k vote" for a part
	@$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --durations=25 $(ARGS)

lint: environment ## style, formatting and the layers between the apps
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

bench: environment ## measure the engine against Evidently on one generated log
	@$(BIN)/python -m benchmarks.drift $(ARGS)

bench-web: environment ## measure the list, search, filters, a record and as-at with eight clients at full size
	@$(BIN)/python -m benchmarks.web --models 100000 --versions 3 --entries 7 --clients 8 --requests 20 $(ARGS)

drills: environment ## races, kills and lost brokers alone
	@$(BIN)/python -m pytest tests/chaos $(ARGS)

pictures: environment ## take the README's pictures anew, of the demo that runs
	@$(BIN)/python -m demo.pictures

environment:
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "assay: there is no $(PYTHON) here: install Python 3.9 or newer with venv (Debian, Ubuntu: apt-get install python3 python3-venv) and run this again." >&2; exit 1; }
	@$(PYTHON) demo/preflight.py
