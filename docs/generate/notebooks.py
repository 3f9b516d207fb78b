"""Notebooks as pages: each is run while the site is built, and shown with what it gave."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import nbclient
import nbformat

from docs.generate.outside import DOCS, ROOT

FOLDER = DOCS / "notebooks"
SWITCH = "TITER_NOTEBOOKS"
"""The environment variable that says whether notebooks are run: not where it is "no"."""
QUIET = {"PYTHONWARNINGS": "ignore", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
TIMEOUT_SECONDS = 600
PICTURES: dict[str, tuple[str, Callable[[str], str | bytes]]] = {
    "image/svg+xml": ("svg", str),
    "image/png": ("png", b64decode),
}
"""By the kind of an output the ending of its file, and how its content is read."""


def files() -> dict[str, str | bytes]:
    """By its place in docs/ every page of a notebook, and every picture in it."""
    made: dict[str, str | bytes] = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if os.environ.get(SWITCH) != "no":
            os.environ.update(QUIET)
            client = nbclient.NotebookClient(
                notebook, timeout=TIMEOUT_SECONDS, resources={"metadata": {"path": str(ROOT)}}
            )
            client.execute()
        made |= page(path, notebook)
    return made


def page(path: Path, notebook: Any) -> dict[str, str | bytes]:
    """The page of one notebook and its pictures, by their places in docs/."""
    pictures: dict[str, str | bytes] = {}
    shown = partial(_output, path.stem, pictures)
    parts = [part for cell in notebook.cells for part in _cell(cell, shown)]
    first, rest = parts[0].partition("\n")[::2]
    link = f"\n\n[:material-download: {path.name}]({path.name})\n"
    return {f"notebooks/{path.stem}.md": "\n\n".join([first + link + rest, *parts[1:]]) + "\n", **pictures}


def _cell(cell: Any, shown: Any) -> Iterator[str]:
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield f"```python\n{cell.source}\n```"
    for output in cell.outputs:
        yield from shown(output)


def _output(stem: str, pictures: dict[str, str | bytes], output: Any) -> Iterator[str]:
    """What a cell gave: a picture, a table, or text; what libraries say on the side is left out."""
    if output.output_type == "stream":
        if output.name == "stdout":
            yield f"```text\n{output.text.rstrip()}\n```"
        return
    for kind, (ending, decoded) in PICTURES.items():
        if kind in output.data:
            name = f"{stem}-{len(pictures)}.{ending}"
            pictures[f"notebooks/{name}"] = decoded(output.data[kind])
            yield f"![what the cell draws]({name})"
            return
    if "text/html" in output.data:
        table = output.data["text/html"].replace(' border="1" class="dataframe"', ' class="dataframe"')
        yield f'<div class="output" markdown="0">{table}</div>'
    else:
        yield f"```text\n{output.data['text/plain']}\n```"
