# Needs Python 3.11 or newer, git and make; everything else comes with the first target.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := kubegrammar pocketkube trueup
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
UV_VERSION := 0.13.9
# The first of these that is recent enough; PYTHON=... takes another.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
ARGS ?=
# Two workers for each core, since most of a test on a cluster is waiting. ARGS=-n0 runs the tests one after the other in
# one process, as debuggers want it.
# Hundreds of processes start in a run: none of them compiles what another has compiled, however the machine is set up.
export PYTHONDONTWRITEBYTECODE :=
PYTEST = $(BIN)/pytest -q -n $$((2 * $$(getconf _NPROCESSORS_ONLN))) --maxprocesses 8

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS=... is handed on: make demo ARGS=--tour, make test ARGS='tests/unit -x'"

.PHONY: demo
demo: $(STAMP) ## A cluster, a repository and the engine at work (ARGS=--tour walks by itself)
	@$(BIN)/trueup demo $(ARGS)

.PHONY: install
install: $(STAMP) ## Everything into .venv, and how the shell finds it
	@echo 'export PATH="$(CURDIR)/$(BIN):$$PATH"'

.PHONY: ui
ui: ## The web UI into the package (Node 20 of PATH, else PyPI's); the first time brings its packages
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed)) tools/ui/ui.py build

.PHONY: ui-pages
ui-pages: $(STAMP) ## Every page of the web UI in Chromium: axe in both themes, hostile text, keys, lost connection
	@$(BIN)/python tools/ui/ui.py pages

.PHONY: ui-pictures
ui-pictures: ui ## Pictures of every page into build/pictures, three sizes, light and dark (chromium of PATH)
	@cd ui && node stage/pictures.mjs $(CURDIR)/build/pictures $(ARGS)

.PHONY: ui-pictures-kept
ui-pictures-kept: ui ## Pictures of every page into docs/pictures/ui, three sizes, WebP (chromium of PATH)
	@cd ui && node stage/kept.mjs $(CURDIR)/docs/pictures/ui $(ARGS)

.PHONY: test
test: $(STAMP) controlplane kustomizer ## Every rule once, those of a real API server too; all of what ARGS names
	@$(if $(findstring tests/,$(ARGS)),,$(BIN)/python tools/ui/ui.py test)
	@$(PYTEST) $(if $(findstring tests/,$(ARGS)),,--tier once) $(ARGS)

.PHONY: test-everywhere
test-everywhere: $(STAMP) controlplane kustomizer ## What make test leaves out: the same rules on the other cluster, and at length
	@$(PYTEST) --tier again $(ARGS)

.PHONY: laws
laws: $(STAMP) ## Laws on a thousand new examples each, instead of those that every run tries
	@HYPOTHESIS_PROFILE=new $(PYTEST) tests/laws $(ARGS)

.PHONY: conformance
conformance: $(STAMP) controlplane kustomizer ## The embedded cluster against the real API server, alone
	@$(PYTEST) tests/conformance $(ARGS)

.PHONY: soak
soak: $(STAMP) controlplane kustomizer ## Two engines under commits and kills, for ten minutes
	@TRUEUP_SOAK_SECONDS=600 $(BIN)/pytest -q tests/e2e/test_soak.py $(ARGS)

.PHONY: fuzz
fuzz: $(STAMP) build/fuzz/lib ## Look for inputs that break the readers of strangers' text, a minute each (ARGS="yaml urls")
	@PYTHONPATH=build/fuzz/lib $(BIN)/python tools/fuzz/fuzz.py $(ARGS)

.PHONY: release
release: $(STAMP) ui build/release-tools/.installed ## Wheel, source archive and bill of materials, looked at for known vulnerabilities
	@$(BIN)/python tools/release/release.py $(BIN)/python build/release-tools/bin/python $(ARGS)

.PHONY: check
check: $(STAMP) ## Format, lint, types, layers, pictures of the code
	@$(BIN)/ruff format --quiet --check . || { echo "make check: run $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@output=$$($(BIN)/lint-imports 2>&1) || { echo "$$output" >&2; exit 1; }
	@$(BIN)/python tools/architecture/draw.py --check
	@$(BIN)/python tools/architecture/rules.py
	@$(BIN)/python tools/ui/ui.py check

.PHONY: bench
bench: $(STAMP) controlplane kustomizer ## Measure against bare loops on the same API server
	@$(BIN)/python -m bench $(ARGS)

.PHONY: controlplane
controlplane: ## Build etcd, kube-apiserver and kube-controller-manager, once
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed)) tools/controlplane/build.py

.PHONY: kustomizer
kustomizer: ## Build our own builder of kustomizations, without which kubectl builds them
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed)) tools/kustomize/build.py

.PHONY: lock
lock: ## Pin the dependencies again (ARGS=--upgrade takes newer ones)
	@uv=$$(command -v uv) || { uv=build/uv/bin/uv; [ -x $$uv ] || { $(PYTHON) -m venv build/uv && \
	  build/uv/bin/pip --quiet --disable-pip-version-check install uv==$(UV_VERSION); }; }; \
	compile="$$uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	  $(PACKAGES:%=--no-emit-package %) --no-header --python-version 3.11 $(ARGS)"; \
	$$compile --group dev $(PACKAGES:%=packages/%/pyproject.toml) --output-file requirements.lock && \
	$$compile --no-annotate --constraints requirements.lock packages/trueup/pyproject.toml \
	  --output-file tools/release/runtime.lock && \
	for tool in controlplane fuzz release; do \
	  $$compile --no-annotate tools/$$tool/requirements.in --output-file tools/$$tool/requirements.lock || exit 1; \
	done

build/fuzz/lib: tools/fuzz/requirements.lock
	@rm -rf $@ && $(PIP) --require-hashes --target $@ -r $<

build/release-tools/.installed: tools/release/requirements.lock
	@$(PYTHON) -m venv --clear build/release-tools
	@build/release-tools/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

# A lock newer than the environment means a fresh one, so that nothing outlives its entry in the lock.
$(STAMP): requirements.lock $(PACKAGES:%=packages/%/pyproject.toml)
	@$(or $(PYTHON),$(error Python 3.11 or newer is needed)) -m venv $$([ ! -e $@ ] || echo --clear) $(VENV)
	@tools/venv/install.sh $(VENV)
	@$(PIP) --no-deps --no-build-isolation $(PACKAGES:%=--editable packages/%)
	@$(BIN)/python -m compileall -q packages  # as pip does with what it copies: not each command compiles it
	@touch $@
