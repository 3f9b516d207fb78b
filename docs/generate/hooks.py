"""What is done while the site is built: pages that come from the code, and links to files beside docs/.

MkDocs calls each function by its name; the build starts at the root of the repository (`make docs`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.generate import (
    api_reference,
    cli_reference,
    method_reference,
    notebooks,
    outside,
    pictures,
    protocol_reference,
    repository,
    training_reference,
)
from titer.methods.registry import CATALOGS

PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli_reference.page,
    "reference/protocol.md": protocol_reference.page,
    "reference/methods/training.md": training_reference.page,
    **{f"reference/methods/{kind}.md": partial(method_reference.page, kind) for kind in CATALOGS},
    **{f"reference/api/{name}.md": partial(api_reference.page, name) for name in api_reference.INTROS},
    **{place: partial(repository.page, path) for place, path in repository.PAGES.items()},
}
"""By its place in docs/ what makes a page."""
CHINESE = r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Let the part on the project end with every decision, in order."""
    notes = sorted((outside.DOCS / "decisions").glob("*.md"))
    assert config.nav is not None
    (project,) = (part["Project"] for part in config.nav if "Project" in part)
    project.append({"Decisions": [f"decisions/{note.name}" for note in notes]})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made, and one for each file of the repository that a page links to."""
    made = {place: maker() for place, maker in PAGES.items()} | pictures.files() | notebooks.files()
    for place, content in made.items():
        files.append(File.generated(config, place, content=content))
    pages = [(file.src_uri, file.content_string) for file in files.documentation_pages()]
    linked = {path for src_uri, text in pages for path in outside.links_out(src_uri, text)}
    for path in sorted(linked):
        files.append(File.generated(config, outside.page_of(path), content=outside.shown(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to files beside docs/ lead to the pages that show them, and lines of Chinese follow without a space."""
    del config, files
    text = outside.rewritten(page.file.src_uri, markdown)
    return re.sub(f"(?<={CHINESE})\n(?={CHINESE})", "", text)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Say of a Chinese page that it is one: signs have another shape in each language."""
    del config, files
    return f'<div lang="zh-CN">{html}</div>' if page.file.src_uri.startswith("zh/") else html
