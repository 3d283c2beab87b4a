# Servaan CRM. Needs Python 3.11 or newer, git and make; everything else is installed into this folder.
# Options go on the command line: make run PORT=8001 SERVAAN_HOME=/srv/servaan

.DEFAULT_GOAL := help
.PHONY: help run stop test chaos a11y lint format bench screenshots messages shell manage services clean distclean

# The first Python that is new enough; "make run PYTHON=/path/to/python3.12" names another one.
PYTHON = $(or $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$p"; break; fi; done),python3)
DEV = SERVAAN_UNDER_MAKE=1 $(PYTHON) dev/bootstrap.py
ARGS =
RUNS = 100

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## Install what is missing and start Servaan on http://demo.localhost:8000
	@$(call enter,run)

stop: ## Stop what "make run" started
	@$(call enter,stop)

test: ## Run the whole test suite (ARGS="-k checkout" is passed to pytest)
	@$(call enter,--dev test $(ARGS))

a11y: ## Look at every page in both themes for what shuts people out
	@export SERVAAN_A11Y=all; $(call enter,--dev test servaan_crm/tests/test_accessibility.py $(ARGS))

chaos: ## The club in any order, thousands of steps (RUNS=100 per café), and a campaign of 5,000 in a storm
	@$(call enter,--dev chaos $(RUNS))

lint: ## Check style, types, layers, templates, migrations and translations
	@$(call enter,--dev lint $(ARGS))

format: ## Format Python files and templates
	@$(call enter,--dev lint --fix)

bench: ## Measure (ARGS are passed to the benchmarks)
	@$(call enter,--dev bench $(ARGS))

screenshots: ## Photograph the pages into docs/screenshots
	@$(call enter,--dev screenshots $(ARGS))

messages: ## Collect the translatable texts into locale/
	@$(call enter,--dev messages extract $(ARGS))

shell: ## Open a Python shell with the project loaded
	@$(call enter,manage shell)

manage: ## Run a management command: make manage ARGS="create_cafe --help"
	@$(call enter,manage $(ARGS))

services: ## Start only PostgreSQL and Redis and print their addresses
	@$(call enter,services)

clean: ## Delete caches and built files; data in var/ stays
	@rm -rf node_modules static_vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results
	@find . -path ./.venv -prune -o -path ./var -prune -o -name __pycache__ -type d -print | xargs rm -rf
	@find locale -name '*.mo' 2>/dev/null | xargs rm -f

distclean: clean ## Like clean, and delete the virtual environment; data in var/ stays
	@if [ -x .venv/bin/python ]; then $(MAKE) --no-print-directory stop; fi
	@rm -rf .venv .venv.lock

define enter
command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "servaan: no Python found; install Python 3.11 or newer" >&2; exit 1; }; \
exec env $(DEV) $(1)
endef
