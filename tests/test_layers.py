"""The order of the package, and what an import must not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import ROOT

HEAVY = ("torch", "transformers", "peft", "scipy", "optuna", "datasets", "altair")
MODELS = ("torch", "transformers", "peft", "optuna")


def loaded(modules: str, names: tuple[str, ...]) -> set[str]:
    """Which of some packages are loaded by importing modules in a new process."""
    code = f"import sys, {modules}; print(*(name for name in {names!r} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_contracts_of_the_layers_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_titer_and_its_command_line_load_nothing_heavy() -> None:
    assert loaded("titer, titer.cli.app", HEAVY) == set()


def test_the_reading_side_loads_no_model_library() -> None:
    modules = ("titer.conclude", "titer.study.unpacking", "titer.study.folder", "titer.methods.judges.coherence")
    assert loaded(", ".join(modules), MODELS) == set()
