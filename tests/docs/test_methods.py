"""The page on methods has a row for every method of titer, and for no other."""

from __future__ import annotations

import re

import pytest
from support import ROOT

from titer.methods import registry

TEXT = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", registry.CATALOGS)
def test_every_method_has_its_row(kind: str) -> None:
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (table,) = [part for part in section if part.startswith(kind.capitalize())]
    rows = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert sorted(rows) == sorted(registry.CATALOGS[kind].own)
