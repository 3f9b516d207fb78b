"""The page on methods of one's own: its code runs as it is written, and what it links to is there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from support import ROOT

from titer import Attack, Defense, Executor, Judge, Probe
from titer.execution.executors import EXECUTORS
from titer.methods import registry
from titer.testing import tiny_material, tiny_subject, weights

PAGE = ROOT / "docs" / "extending.md"
TEXT = PAGE.read_text(encoding="utf-8")
LONGEST = 50
"""The lines of one screen."""


def blocks(language: str) -> list[tuple[int, str]]:
    """Line number and text of every block of a language."""
    found = re.finditer(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    return [(TEXT[: match.start(1)].count("\n"), match[1]) for match in found]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """Every name of the page, after its code ran from top to bottom; each block ends with its check."""
    found: dict[str, Any] = {"__name__": "extending"}
    for line, code in blocks("python"):
        exec(compile("\n" * line + code, str(PAGE), "exec"), found)
    return found


def classes(names: dict[str, Any], base: type) -> Iterator[Any]:
    """The classes of one kind that the page defines."""
    own = (found for found in names.values() if isinstance(found, type) and found.__module__ == "extending")
    return (found for found in own if issubclass(found, base))


@pytest.mark.parametrize(("base", "number"), [(Attack, 4), (Defense, 1), (Probe, 1), (Judge, 1), (Executor, 1)])
def test_every_extension_point_has_its_example(names: dict[str, Any], base: type, number: int) -> None:
    found = list(classes(names, base))
    assert len(found) == number
    taken = {name for catalog in (*registry.CATALOGS.values(), EXECUTORS) for name in catalog.own}
    assert taken.isdisjoint(own.name for own in found), "a reader can use the name"


def test_every_example_ends_with_its_check_and_fits_a_screen() -> None:
    codes = [code for _, code in blocks("python")]
    assert all(re.search(r"\ncheck_\w+\(.*\)\n$", code) for code in codes)
    assert max(code.count("\n") for code in codes) <= LONGEST


def test_the_groups_of_entry_points_are_those_that_titer_reads() -> None:
    written = [tomllib.loads(text) for _, text in blocks("toml")]
    groups = {group for data in written if "project" in data for group in data["project"]["entry-points"]}
    read = {f"titer.{kind}" for kind in (*registry.CATALOGS, EXECUTORS.kind)}
    assert groups <= read
    assert all(f"`{group}`" in TEXT for group in read)


def test_what_the_page_links_to_is_there() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert len(targets) > 4
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []


def test_the_attack_that_takes_the_way_back_ends_where_the_defense_began(names: dict[str, Any]) -> None:
    subject = tiny_subject()
    list(names["Forget"]().steps(subject, tiny_material(), 10, 0))
    parent = weights(tiny_subject(1))
    assert all(torch.allclose(weight, parent[name], atol=1e-6) for name, weight in weights(subject).items())
