"""Help and version come at once, without the libraries that take seconds to load."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest
from support.command import Here, titer

HEAVY = ("torch", "transformers", "peft", "datasets", "scipy", "optuna", "altair")
COMMANDS = (
    "init",
    "plan",
    "run",
    "judge",
    "verdict",
    "report",
    "list",
    "show",
    "compare",
    "judges",
    "demo",
    "immunize",
    "attack",
    "pack",
    "export",
)
TABLES = ("plan", "run", "judge", "verdict", "list", "show", "compare", "demo", "attack")


def loaded_by(code: str, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Those of some libraries that a fresh interpreter has loaded after `code`."""
    script = f"import sys\n{code}\nprint(*[name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_names_are_loaded_when_they_are_used() -> None:
    assert loaded_by("import titer", ("pydantic",)) == set()
    assert loaded_by("import titer; titer.Protocol", ("pydantic",)) == {"pydantic"}


def test_these_load_nothing_heavy() -> None:
    commands = [["--help"], ["--version"], ["run", "--help"], ["list", "judges"]]
    assert loaded_by(f"from titer.cli import command\nfor one in {commands}: command(one)") == set()


def test_version() -> None:
    assert titer("--version").out == f"titer {version('titer')}\n"


def test_help_names_every_command() -> None:
    said = titer("--help").out
    assert all(f" {name} " in said for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_prints_a_table_has_json(name: str, here: Here) -> None:
    said = here(name, "--help")
    assert said.code == 0
    assert ("--json" in said.out) == (name in TABLES)
    assert max(map(len, said.out.splitlines())) <= 80


def test_help_shows_every_word_of_what_an_argument_is(here: Here) -> None:
    assert "A protocol file with a table `tuning`." in " ".join(here("tune", "--help").out.replace("│", " ").split())
