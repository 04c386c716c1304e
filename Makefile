# `make` builds everything and grades a sample class; `make help` lists the rest.

PYTHON ?= python3
PORT ?= 8000
SAMPLE ?= 02-batchnorm

BIN := .venv/bin
STAMPS := _build/stamps
CLASS := _build/sample/$(SAMPLE)
UNITS := $(patsubst solutions/%/unit.toml,%,$(wildcard solutions/*/unit.toml))
CORE := $(wildcard autograder/*.py autograder/authoring/*.py)
CHECKS := $(wildcard exercises/*/checks/*.*)
NOTEBOOKS := $(wildcard exercises/*/*.ipynb)
TEXT := book/%.md exercises/%.ipynb
ENGINE := $(wildcard autograder/engine/*.py autograder/bridge/*.py)
LAB := $(shell find lab -name '*.py')
BOOK := _config.yml _toc.yml $(shell find book -type f -not -name '*.pyc')

export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

.NOTPARALLEL:
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PHONY: all build verify site pdf sample links test lint serve lab node_modules vendor pyodide clean help

all: verify site sample ## everything: exercises, proofs, website, a graded sample class
	@$(BIN)/autograder marks $(CLASS)/marks.json
	@echo
	@echo "Website     $(CURDIR)/_build/html/index.html"
	@echo "Feedback    $(CURDIR)/$(CLASS)/feedback"
	@echo "Next        make serve   read the course at http://localhost:$(PORT)"
	@echo "            make lab     open the exercises in JupyterLab"
	@echo "            make test    lint, types and tests"

build: $(UNITS:%=$(STAMPS)/build-%) ## cut the exercises from solutions/
verify: $(UNITS:%=$(STAMPS)/verify-%) ## prove that the checks accept the solution and name every mistake
site: $(STAMPS)/site ## build the website into _build/html
pdf: $(STAMPS)/pdf ## print the website as one book, _build/pdf/training-neural-networks.pdf (needs Chromium)
sample: $(STAMPS)/sample-$(SAMPLE) ## make a sample class and grade it

.venv/stamp: pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "make needs Python 3.11, 3.12 or 3.13; there is no $(PYTHON): install it, or say make PYTHON=/path/to/python."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "make needs Python 3.11, 3.12 or 3.13; this is $$($(PYTHON) --version 2>&1): install one of them, or say make PYTHON=/path/to/python."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make needs Python's venv module; it is missing: on Debian and Ubuntu, run apt install python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -c constraints.txt hatchling
	$(BIN)/python -m pip install -c constraints.txt --no-build-isolation -e '.[cluster,course,grade,site,dev]'
	@touch $@

$(STAMPS)/build-%: .venv/stamp $(CORE) $$(wildcard solutions/$$*/*.* solutions/$$*/beside/* book/$$*/*.md)
	$(BIN)/autograder build $*
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/verify-%: $(STAMPS)/build-%
	$(BIN)/autograder verify $*
	@touch $@

# A build that changes none of these files leaves them as old as they were.
$(CHECKS) $(NOTEBOOKS): $(UNITS:%=$(STAMPS)/build-%)
	@:

# Pages run code: unless only text changed, all of them are run and built again. A failure must fail again.
$(STAMPS)/site: .venv/stamp $(CORE) $(LAB) $(CHECKS) $(NOTEBOOKS) $(BOOK) | build
	$(if $(filter-out $(TEXT),$?),rm -rf _build/.jupyter_cache)
	$(BIN)/jupyter-book build . -W -n --keep-going $(if $(filter-out $(TEXT),$?),--all) || { rm -rf _build/.doctrees; exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/pdf: $(STAMPS)/site
	$(BIN)/python -m book._tools.pdf
	@touch $@

$(STAMPS)/sample-$(SAMPLE): $(STAMPS)/build-$(SAMPLE) $(ENGINE)
	$(BIN)/autograder sample $(SAMPLE) --students 24 --seed 1 --out $(CLASS)/submitted
	$(BIN)/autograder grade $(SAMPLE) --submitted $(CLASS)/submitted --course $(CLASS) --json $(CLASS)/marks.json --accept
	$(BIN)/python -m autograder.authoring.sample $(CLASS)/submitted/expected.json $(CLASS)/marks.json
	@touch $@

links: .venv/stamp build ## ask every external link whether it still leads somewhere (network)
	$(BIN)/jupyter-book build . --builder linkcheck --path-output _build/links --keep-going

lint: .venv/stamp ## ruff and mypy
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Without units to build, what is committed is tested, and not what a build has just made of it.
test: lint ## lint, types and tests; says what it skipped, and why
	@$(MAKE) --no-print-directory site UNITS=
	@there=$$(.ci/prepare) && REQUIRED="site $$there $$REQUIRED" $(BIN)/python -m pytest -n 2 -rs

serve: site ## serve the website on this machine
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: build ## open the exercises in JupyterLab
	$(BIN)/jupyter lab exercises

node_modules: node_modules/.package-lock.json ## what the editor is bundled from and some tests run with

# npm writes this file last, so what broke off is fetched again. No package needs a script to install it.
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

vendor: .venv/stamp node_modules ## bundle the editor of the live exercises anew
	$(BIN)/python -m book._tools.vendor

pyodide: .venv/stamp ## fetch Python for the live exercises, to serve it with the site
	$(BIN)/python -m book._tools.fetch_pyodide

clean: ## remove what was built (not .venv, not the gradebook)
	rm -rf _build dist

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile
