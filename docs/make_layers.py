"""Writes the picture of the layers into CONTRIBUTING.md, from the contract that import-linter keeps.

python docs/make_layers.py
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- layers -->", "<!-- /layers -->"


def layers(contract: Path) -> list[list[str]]:
    """The packages of each layer, top to bottom."""
    written = ConfigParser()
    written.read(contract)
    lines = written["importlinter:contract:order"]["layers"].strip().splitlines()
    return [re.split(r"\s*\|\s*", line.strip()) for line in lines]


def mermaid(found: list[list[str]]) -> str:
    """A diagram with a box for each layer; an arrow says "may import"."""
    boxes = [f'  L{number}["{" · ".join(names)}"]' for number, names in enumerate(found)]
    arrows = [f"  L{number} --> L{number + 1}" for number in range(len(found) - 1)]
    return "\n".join(["```mermaid", "flowchart TD", *boxes, *arrows, "```"])


def with_picture(text: str, picture: str) -> str:
    """A page with the picture between its two marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{picture}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    page = ROOT / "CONTRIBUTING.md"
    page.write_text(with_picture(page.read_text(encoding="utf-8"), mermaid(layers(ROOT / ".importlinter"))), "utf-8")
