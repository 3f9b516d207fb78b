"""Pages that a reader follows literally: what they show is run, in order, in a folder that looks like a clone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from support import ROOT
from support.command import Here
from support.shown_commands import parse, shown_commands
from support.walkthrough import RUN, blocks, clone, follow

DOCS = ROOT / "docs"
PAGES = (DOCS / "getting-started.md", *sorted((DOCS / "how-to").glob("*.md")))
NEED_HARDWARE = {"a-7b-model.md"}
"""Pages of which only the commands that need no hardware are run."""


@pytest.mark.model
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.long) if page.stem == "my-own-attack" else page for page in PAGES],
    ids=lambda page: page.stem,
)
def test_a_reader_can_follow_the_page(page: Path, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert follow(page, tmp_path, here) >= 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_not_run_says_why(page: Path) -> None:
    found = list(blocks(page))
    assert page.read_text(encoding="utf-8").count("```") == 2 * len(found)
    left_out = [block for block in found if block.language in RUN and not block.followed]
    assert all(block.why for block in left_out)
    followed = [block for block in found if block.language == "console" and block.followed]
    assert len(followed) >= (0 if page.name in NEED_HARDWARE else 1)
    assert not re.search(r"^\$ .*\bpip install\b(?! -e \.)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: page.stem)
def test_every_command_that_a_page_shows_parses(page: Path) -> None:
    shown = shown_commands(page.read_text(encoding="utf-8"))
    assert [parse(arguments) for arguments in shown] == [arguments[0] for arguments in shown]


@pytest.mark.parametrize("page", sorted((DOCS / "how-to").glob("my-own-*.md")), ids=lambda page: page.stem)
def test_a_package_names_its_module_so_that_other_scripts_may_lie_beside_it(page: Path) -> None:
    written = {block.title: block.text for block in blocks(page) if block.title is not None}
    project = tomllib.loads(written["pyproject.toml"])
    modules = [name.removesuffix(".py") for name in written if name.endswith(".py")]
    assert project["tool"]["setuptools"]["py-modules"] == modules


def test_the_pages_show_commands() -> None:
    assert sum(len(shown_commands(page.read_text(encoding="utf-8"))) for page in DOCS.rglob("*.md")) > 30


def test_the_chinese_page_has_the_blocks_of_the_english_one() -> None:
    english, chinese = (
        [(block.language, block.title, re.sub(r" *#.*", "", block.text)) for block in blocks(page)]
        for page in (DOCS / "getting-started.md", DOCS / "zh" / "getting-started.md")
    )
    assert english == chinese
