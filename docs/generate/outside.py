"""Links of pages to files of the repository beside docs/: each such file gets a page that shows it."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)")
LANGUAGES = {
    ".jsonl": "json",
    ".lock": "text",
    ".md": "markdown",
    ".py": "python",
    ".toml": "toml",
    ".template": "toml",
}
PLACE = "source"
"""The folder of the site in which these pages are."""


def repository_path(src_uri: str, target: str) -> str | None:
    """The path from the root of the repository of a link that leaves docs/; None for every other link."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(src_uri), target))
    return None if path == "docs" or path.startswith(("docs/", "..")) else path


def links_out(src_uri: str, text: str) -> Iterator[str]:
    """The paths in the repository that a page links to beside docs/.

    Raises:
        FileNotFoundError: if one of them is not there.
    """
    for target in LINK.findall(text):
        path = repository_path(src_uri, target)
        if path is not None:
            if not (ROOT / path).is_file():
                raise FileNotFoundError(f"docs/{src_uri} links to {path}, which is no file")
            yield path


def rewritten(src_uri: str, text: str) -> str:
    """A page whose links out of docs/ lead to the pages that show those files."""
    folder = posixpath.dirname(src_uri)

    def replaced(match: re.Match[str]) -> str:
        path = repository_path(src_uri, match[1])
        return match[1] if path is None else os.path.relpath(page_of(path), folder or ".")

    return LINK.sub(replaced, text)


def page_of(path: str) -> str:
    """The page that shows a file of the repository."""
    return f"{PLACE}/{path}.md"


def shown(path: str) -> str:
    """The text of that page."""
    text, language = (ROOT / path).read_text(encoding="utf-8"), LANGUAGES.get(Path(path).suffix, "text")
    head = f"---\ntitle: {path}\nsearch: {{exclude: true}}\n---\n# `{path}`\n\n"
    return f"{head}`````{language}\n{text.rstrip()}\n`````\n"
