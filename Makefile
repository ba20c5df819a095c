# `make demo` and `make test` are the two commands; both make .venv first, once.
PYTHON ?= python3.11
CORES ?= 2
VENV := .venv
STAMP := $(VENV)/.installed
BIN := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(STAMP)
	$(BIN)/snakemake --cores $(CORES) --configfile config/config.yaml --rerun-incomplete

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(CORES) --no-loadscope-reorder

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# torch goes first, by itself, so that a CPU build is taken where one is offered; a build for a GPU brings what it needs,
# which the lock does not name. The lock names all else, dependencies too, so none is looked up. All is compiled here, on
# all cores: where Python is told not to write bytecode, as in many containers, every process would else compile what it
# imports, which more than doubles the time of a run. A file for another Python may not compile; nothing imports it then.
# The stamp comes last: an interrupted installation is made again.
$(STAMP): requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile -c requirements.lock "$$(grep '^torch==' requirements.lock)"
	$(BIN)/python -m pip install --quiet --no-compile --no-deps -r requirements.lock
	$(BIN)/python -m pip check
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib workflow/scripts || true
	touch $(STAMP)

clean:
	rm -rf results logs .snakemake
