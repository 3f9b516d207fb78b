"""The page on judges: its tables are those of the code, and it speaks of every judge."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest
from support import ROOT

from titer.methods import registry


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_judges", ROOT / "docs" / "make_judges.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_code(maker: ModuleType) -> None:
    assert maker.PAGE.read_text(encoding="utf-8") == maker.page(), "run `python docs/make_judges.py`"


def test_the_page_speaks_of_every_judge(maker: ModuleType) -> None:
    text = maker.PAGE.read_text(encoding="utf-8")
    told = text.replace(maker.tables(), "")
    assert [name for name in registry.JUDGES if f"`{name}`" not in told] == []
