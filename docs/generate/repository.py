"""Pages of the repository that stand beside docs/: the list of examples, the changes, how to report a hole."""

from __future__ import annotations

import os
import posixpath
import re

from docs.generate.outside import LINK, ROOT

PAGES = {
    "examples.md": "examples/README.md",
    "changelog.md": "CHANGELOG.md",
    "security.md": "SECURITY.md",
}
"""By its place in docs/ the file that a page is."""
NAMED = re.compile(r"^\| `([\w-]+\.(?:toml|py))` \|", re.MULTILINE)
"""A file of examples/ in the first column of a table."""


def page(path: str) -> str:
    """The text of a file, with links that hold at the top of docs/; the examples it names are linked."""
    folder = posixpath.dirname(path)
    text = (ROOT / path).read_text(encoding="utf-8")
    if folder == "examples":
        text = NAMED.sub(r"| [`\1`](\1) |", text)

    def relinked(match: re.Match[str]) -> str:
        return os.path.relpath(posixpath.join(folder, match[1]), "docs")

    return LINK.sub(relinked, text)
