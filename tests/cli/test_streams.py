"""Closed streams, those that nobody reads or that hold no more, ASCII locales: a line at most, and no traceback."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, TITER
from support.studies import copied

pytestmark = [pytest.mark.model, pytest.mark.long]

COMMANDS = {
    "help": ("--help",),
    "list": ("list", "judges"),
    "show": ("show", "attack", "direct"),
    "plan": ("plan", "{study}/protocol.toml", "--out", "{fresh}"),
    "verdict": ("verdict", "{study}"),
    "verify": ("verify", "{study}"),
    "report": ("report", "{study}", "--lang", "zh"),
    "refused": ("verify", "{study}/nö"),
}
CODES = {"verdict": (0, 3, 4, 5), "refused": (2,)}
"""The exit codes of a command whose output is taken; 0 for the others."""


@pytest.fixture(scope="module")
def folder(small_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied(small_once / "study", tmp_path_factory.mktemp("streams") / "study").folder


def ended(name: str, folder: Path, streams: str, **environment: str) -> tuple[int, bytes, bytes]:
    """Run a command with its streams as the shell makes them: exit code, what it printed, what it said of errors."""
    fresh = folder.parent / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    words = " ".join(f"'{word.format(study=folder, fresh=fresh)}'" for word in COMMANDS[name])
    script = f"'{TITER}' {words} {streams}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=240, env=ENVIRONMENT | environment)
    return done.returncode, done.stdout, done.stderr


LOCALES = {"posix": {"PYTHONUTF8": "0", "LC_ALL": "POSIX"}, "c": {"LANG": "C", "LC_ALL": ""}}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_locale_of_ascii_says_the_same(folder: Path, name: str, locale: str) -> None:
    code, out, err = ended(name, folder, "", **LOCALES[locale])
    assert code in CODES.get(name, (0,)), err
    assert err.count(b"\n") == (name in ("verify", "refused"))
    if name not in ("plan", "refused"):  # the one has times of the machine in it, the other a sign that ASCII has not
        assert (out, err) == ended(name, folder, "")[1:]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_closed_standard_output_is_a_wrong_input(folder: Path, name: str) -> None:
    code, _, err = ended(name, folder, ">&-")
    assert (code, err.count(b"\n")) == (2, 1), err
    assert err.startswith(b"titer: standard output is closed")
    assert ended(name, folder, ">&- 2>&-") == (2, b"", b"")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_closed_standard_error_changes_nothing_else(folder: Path, name: str) -> None:
    code, out, _ = ended(name, folder, "2>&-")
    assert code in CODES.get(name, (0,))
    assert bool(out) == (name != "refused")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("streams", ["| true; exit ${PIPESTATUS[0]}", "> /dev/full"])
def test_what_cannot_be_written_has_failed(folder: Path, name: str, streams: str) -> None:
    code, _, err = ended(name, folder, streams)
    assert code == (2 if name == "refused" else 1), err
    assert b"Traceback" not in err
    assert err.count(b"\n") <= 1
