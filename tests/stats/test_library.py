"""`titer.stats` stands alone: what it loads, what it offers, and the files of its example."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import titer.stats

FOLDER = Path(__file__).parent / "lm_eval"
OTHERS = (
    *("torch", "transformers", "peft", "optuna", "datasets", "pyarrow", "pydantic", "altair", "typer", "rich"),
    *("jinja2", "safetensors", "tokenizers", "statsmodels", "pandas"),
)


def python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_no_model_library_is_loaded() -> None:
    code = "import sys, titer.stats; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = set(python(code).split())
    assert {"numpy", "scipy"} <= loaded
    assert loaded.isdisjoint(OTHERS)


def test_numpy_and_scipy_are_all_it_needs() -> None:
    """Every other dependency of titer cannot be imported, and a test runs."""
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OTHERS!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
import titer.stats
print(titer.stats.noninferiority_test([1] * 50, [1] * 50, margin=0.1).summary())
print(titer.stats.replicate_test(titer.stats.outcomes_of([0] * 5, 100), threshold=0.2).outcome)
"""
    assert python(code).endswith("upheld\n")


def test_every_module_is_described_and_every_name_offered_exists() -> None:
    described = titer.stats.__doc__ or ""
    modules = {path.stem for path in Path(titer.stats.__file__).parent.glob("*.py")} - {"__init__"}
    assert {line.split()[0] for line in described.splitlines() if line.split()} >= modules
    assert sorted(titer.stats.__all__) == titer.stats.__all__
    assert all(hasattr(titer.stats, name) for name in titer.stats.__all__)


def make_samples() -> Any:
    spec = importlib.util.spec_from_file_location("make_samples", FOLDER / "make_samples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("model", ["before", "after"])
def test_the_samples_are_those_that_the_script_writes(model: str) -> None:
    script = make_samples()
    written = (FOLDER / model / script.NAME).read_text(encoding="utf-8")
    assert written == script.text(script.samples()[model])
    keys = ["doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics",
            "doc_hash", "prompt_hash", "target_hash", "exact_match"]  # fmt: skip
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) == 200
    assert all(list(line) == keys and line["metrics"] == keys[-1:] for line in lines)
