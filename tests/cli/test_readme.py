"""What the README shows can be typed: its commands parse, its Python runs on a small study."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT
from support.command import ENVIRONMENT
from support.shown_commands import parse, shown_commands

READMES = ("README.md", "README.zh-CN.md")
MARKER = "<!-- tested -->"


def python_block(text: str) -> str | None:
    """The Python block that follows the marker."""
    found = re.search(rf"^{re.escape(MARKER)}\n+```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return found[1] if found else None


def readme(name: str) -> str:
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"there is no {name} yet")
    return path.read_text(encoding="utf-8")


def test_commands_are_found_and_parsed() -> None:
    text = "```console\n$ titer plan \\\n  p.toml --jobs 2  # look\n$ make demo\n```\n"
    text += "```bash\ntiter list judges | head\n```\n"
    assert shown_commands(text) == [["plan", "p.toml", "--jobs", "2"], ["list", "judges"]]
    assert [parse(arguments) for arguments in shown_commands(text)] == ["plan", "list"]


@pytest.mark.parametrize("line", ["plan p.toml --nonsense", "nonsense", "list cells", "run p.toml --jobs many", "run"])
def test_a_command_that_would_not_run_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"[Nn]o such|not one of|valid integer|Missing parameter"):
        parse(line.split())


def test_the_python_block_is_the_one_under_the_marker() -> None:
    assert python_block(f"```python\nno\n```\n{MARKER}\n```python\nyes\n```\n") == "yes\n"
    assert python_block("```python\nno\n```\n") is None


@pytest.mark.parametrize("name", READMES)
def test_every_command_of_the_readme_parses(name: str) -> None:
    found = shown_commands(readme(name))
    if not found:
        pytest.skip(f"{name} shows no command yet")
    assert [parse(arguments) for arguments in found] == [arguments[0] for arguments in found]


@pytest.mark.parametrize("name", READMES)
def test_the_python_of_the_readme_runs(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """On the small study that is finished already: protocol files and the folder they name are put in its place."""
    block = python_block(readme(name))
    if block is None:
        pytest.skip(f"{name} has no Python block under {MARKER} yet")
    tiny_file: Path = request.getfixturevalue("tiny_file")
    finished: Path = request.getfixturevalue("finished")
    script = tmp_path / "block.py"
    script.write_text(re.sub(r'"[^"\n]*\.toml"', repr(str(tiny_file)), block), encoding="utf-8")
    finished.rename(tmp_path / "titer-tiny")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=tmp_path, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout
