# `make demo` and `make test` are all the set-up there is; `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
BASE_IMAGE ?= loopwright/python:latest
IMAGE ?= loopwright:latest
# Workers of the tests: two for each core, as many tests wait. Each begins with its share of the files, so that what a file
# builds is built once; who is done first takes over tests of another, so that no long file is waited for at the end.
PYTEST_WORKERS ?= $(shell echo $$(($$(nproc) * 2)))
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Data of others, which tests read where it is: a folder beside the clone, or whatever the variable names.
ifneq ($(wildcard ../shared/data),)
export LOOPWRIGHT_TEST_DATA ?= $(abspath ../shared/data)
endif

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
LOOPWRIGHT := $(BIN)/loopwright
PYTEST := $(BIN)/pytest -n $(PYTEST_WORKERS) --dist worksteal
FAST := -m "not slow and not docker and not local_model"

# The demonstration: the bundled tasks, three strategies at equal numbers of model calls, a model that runs in process;
# then pictures, refined until their checklists hold.
DEMO_RUN := $(LOOPWRIGHT) run examples/python --model local/smollm2-135m --strategy single,best_of_n,refine \
	--calls 3 --grade-all
DEMO_PICTURES := $(LOOPWRIGHT) run examples/images/shapes.yaml --grade-all

.DEFAULT_GOAL := help
.PHONY: help demo test check coverage lint bench bench-drift docs base-image image clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## install, pull the local model's weights, run the bundled tasks, refine pictures, write reports
	$(LOOPWRIGHT) models pull
	$(DEMO_RUN)
	$(LOOPWRIGHT) report
	$(DEMO_PICTURES)
	$(LOOPWRIGHT) report

test: $(VENV)/.installed-dev ## install and run all tests; docker tests need an engine, else the reason is printed
	-$(LOOPWRIGHT) models pull
	$(PYTEST) $(PYTEST_ARGS)

check: lint ## lint, types, import layers and the fast tests
	$(PYTEST) -q $(FAST) $(PYTEST_ARGS)

coverage: $(VENV)/.installed-dev ## branch coverage of the fast tests
	$(PYTEST) -q $(FAST) --cov $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## formatting, lint, types and import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev ## measure every performance claim beside its peer
	@for file in bench/[!_]*.py; do $(BIN)/python -m bench.$$(basename $$file .py) $(BENCH_ARGS) || exit 1; done

docs: $(VENV)/.installed-dev ## build the documentation as a site under build/site
	$(BIN)/mkdocs build --quiet

bench-drift: $(VENV)/.installed-dev ## measure the drift monitor: false alarms, delays, speed, memory (BENCH_ARGS)
	$(BIN)/python -m bench.drift $(BENCH_ARGS)

base-image: ## make the Debian image that docker tests and the Dockerfile use (root, debootstrap, an engine)
	BASE_IMAGE=$(BASE_IMAGE) .ci/make-base-image

image: $(VENV)/.installed ## build the image that runs loopwright itself, on BASE_IMAGE
	.ci/make-wheelhouse $(BIN)/python $(BASE_IMAGE) build/wheelhouse
	docker build --network none --build-arg BASE_IMAGE=$(BASE_IMAGE) --tag $(IMAGE) .

clean: ## remove what was installed, built and cached; runs stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Loopwright needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml | $(VENV)/.created
	@echo "Installing Loopwright into $(VENV)"
	@$(PIP) install --quiet --editable '.[local,images]'
	@$(BIN)/python -c 'import xllamacpp' || { \
		echo "llama.cpp cannot be loaded; on Debian: apt-get install libgomp1" >&2; exit 1; }
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/.created
	@echo "Installing Loopwright and its development tools into $(VENV)"
	@$(PIP) install --quiet --editable '.[local,images,postgres,drift,dev]'
	@touch $@ $(VENV)/.installed
