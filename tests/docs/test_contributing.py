"""The pages for those who carry on: the picture names every layer, the index every decision; links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from support import ROOT

MAKE = runpy.run_path(str(ROOT / "docs" / "make_layers.py"))
PAGE = ROOT / "CONTRIBUTING.md"
DECISIONS = ROOT / "docs" / "decisions"


def test_the_picture_is_made_of_the_layers_and_names_every_package() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = MAKE["layers"](ROOT / ".importlinter")
    assert MAKE["with_picture"](text, MAKE["mermaid"](found)) == text, "run `python docs/make_layers.py`"
    picture = text.partition(MAKE["BEGIN"])[2].partition(MAKE["END"])[0]
    packages = {path.parent.name for path in (ROOT / "src" / "titer").glob("*/__init__.py")}
    named = set(re.findall(r"\w+", " ".join(re.findall(r'\["(.+?)"\]', picture))))
    assert packages <= named


def test_the_index_has_every_decision() -> None:
    text = (DECISIONS / "README.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in DECISIONS.glob("0*.md"))
    assert re.findall(r"\]\((0\d{3}-[\w.-]+\.md)\)", text) == pages


@pytest.mark.parametrize("page", [PAGE, DECISIONS / "README.md"], ids=lambda page: page.name)
def test_every_link_of_the_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []
