"""The page on verifying a study, its code and the line that the kept report gives to check it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from support import ROOT
from support.command import Here

from titer.study.root import read_root

PAGE = ROOT / "docs" / "concepts" / "verifying.md"
DEMO = ROOT / "docs" / "results" / "demo"


def line_of_the_report() -> list[str]:
    """The command that the report of the demonstration prints, without its first word."""
    (line,) = re.findall(r"^    titer (verify .*)$", (DEMO / "report.md").read_text(encoding="utf-8"), re.MULTILINE)
    return shlex.split(line)


def test_the_kept_demonstration_is_verified_by_the_line_of_its_own_report(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(DEMO)
    done = here(*line_of_the_report())
    assert (done.code, done.out) == (0, read_root(DEMO).line + "\n")


def test_that_line_tells_another_study_from_it(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(DEMO, tmp_path / "demo")
    text = (folder / "root.json").read_text(encoding="utf-8")
    root = read_root(folder).root
    assert root is not None
    (folder / "root.json").write_text(text.replace(root, "0" * 64), encoding="utf-8")
    monkeypatch.chdir(folder)
    done = here(*line_of_the_report())
    assert done.code == 1
    assert "root.json" in done.err


def test_the_digest_is_what_the_page_says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(code, {})
    assert capsys.readouterr().out == "True\n"
