"""The reference of the command line: every command, argument and option, with what it means."""

from __future__ import annotations

import re

import pytest
from support.command import Here

from docs.generate.cli_reference import commands, page, usage

COMMANDS = dict(commands())
TEXT = page()


def section(words: tuple[str, ...]) -> str:
    (found,) = (part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE) if part.startswith(f"`{' '.join(words)}`"))
    return found


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_has_its_section_with_all_that_its_help_names(words: tuple[str, ...], here: Here) -> None:
    found, said = section(words), here(*words[1:], "--help").out
    assert usage(words, COMMANDS[words]) in found
    for option in set(re.findall(r"(?<=\s)--[a-z-]+", said)) - {"--help"}:
        assert f"{option}`" in found or f"{option} /" in found


def test_nothing_is_without_its_meaning() -> None:
    rows = re.findall(r"^\| `.*$", TEXT, flags=re.MULTILINE)
    assert len(rows) > 30
    assert [row for row in rows if not row.split("|")[-2].strip()] == []


def test_a_command_of_a_group_is_found() -> None:
    assert ("titer", "judges", "check") in COMMANDS
