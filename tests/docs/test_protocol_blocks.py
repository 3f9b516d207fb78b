"""Parts of protocols that pages show: each makes a protocol in the place of the demonstration's own part."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

from titer.cli.app import EXAMPLES
from titer.errors import InputError
from titer.protocol.loading import parse

PAGES = (ROOT / "README.md", ROOT / "examples" / "plugin" / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def parts(text: str) -> Iterator[dict[str, Any]]:
    """The tables of every TOML block without a title that is not of a package."""
    for block in re.findall(r"^```toml\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        if "project" not in (found := tomllib.loads(block)):
            yield found


def placed(part: dict[str, Any]) -> dict[str, Any]:
    """The protocol of the demonstration, with attacks in steps only, and a part in the place of its own.

    Tables are joined by their keys; lists stand whole. There are rows to choose by, as searched presets ask.
    """
    whole = tomllib.loads((EXAMPLES / "demo.toml").read_text(encoding="utf-8"))
    whole["attacker"] = {"budget": {"steps": 16}, "ladder": whole["attacker"]["ladder"]} | (
        {} if "attacker" in part else {"attack": ["direct"]}
    )
    whole["benign"][0]["splits"]["select"] = 100
    for name, table in part.items():
        whole[name] = {**whole.get(name, {}), **table} if isinstance(table, dict) else table
    return whole


SHOWN = [(page, part) for page in PAGES for part in parts(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "part"), SHOWN, ids=[page.stem for page, _ in SHOWN])
def test_a_part_that_a_page_shows_is_one_of_a_protocol(page: Path, part: dict[str, Any]) -> None:
    parse(placed(part))


def test_the_pages_show_parts() -> None:
    assert len(SHOWN) > 8


def test_a_part_with_an_unknown_key_is_found() -> None:
    (part,) = parts("```toml\n[harm]\ntreshold = 0.2\n```\n")
    with pytest.raises(InputError, match="treshold"):
        parse(placed(part))
