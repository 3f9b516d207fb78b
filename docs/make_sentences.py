"""Writes docs/concepts/sentences.md: `python docs/make_sentences.py`. Every sentence of a verdict, from the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from titer.analysis.sentences import (
    absence,
    controls,
    exposure,
    parent,
    remarks,
    remedies,
    stability,
    trainability,
    usability,
    whole,
)
from titer.analysis.sentences.text import Text

PAGE = Path(__file__).parent / "concepts" / "sentences.md"
MODULES = (whole, remarks, parent, exposure, remedies, stability, trainability, usability, controls, absence)
INTRO = """# Every sentence that a verdict can print

Made from the code by `python docs/make_sentences.py`; a test holds the two together. Words in braces are filled in.
What may be quoted of a decided claim stands under *quotable*; the rest are reasons, remedies, and parts of them."""


def page() -> str:
    """The whole page."""
    return "\n\n".join([INTRO, *(part for module in MODULES for part in _section(module))]) + "\n"


def _section(module: ModuleType) -> Iterator[str]:
    assert module.__doc__ is not None
    yield f"## {module.__doc__.splitlines()[0]}"
    public = {name: value for name, value in vars(module).items() if name.isupper() and not name.startswith("_")}
    rows = [row for name, value in public.items() for row in _rows(name.lower().replace("_", " "), value)]
    lines = ["| what | English | 中文 |", "| --- | --- | --- |"]
    yield "\n".join([*lines, *(f"| {name} | {_cell(text.en)} | {_cell(text.zh)} |" for name, text in rows)])


def _rows(name: str, value: Any) -> Iterator[tuple[str, Text]]:
    """A text, or every text of a table of them."""
    if isinstance(value, Text):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _rows(f"{name}, {key}", inner)


def _cell(text: str) -> str:
    """As it is filled: braces that stand for themselves are single ones."""
    plain = text.replace("{{{", "{").replace("}}}", "}").replace("{{", "{").replace("}}", "}")
    return plain.replace("|", "\\|").strip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
