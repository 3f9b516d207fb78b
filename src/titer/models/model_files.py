"""The files of a model: where a name leads to, what lies there, and their configuration read as plain JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from titer.boundary import reading
from titer.data.organism import CHECKPOINT
from titer.errors import InputError

ORGANISM = "organism"
ADAPTER = "adapter_config.json"
REMEDY = "Name a folder, a .gguf file, 'organism', or a hub id (HF_TOKEN for gated ones; offline, one in the cache)."
CARD = "README.md"
BROKEN = "Take the model's files from their source again."
MOST_FILES = 10_000
"""The most files of one model: the largest have some hundred shards; a folder with more was named by mistake."""
MOST_CONFIGURATION = 16 * 2**20
"""The most bytes of one configuration file: published ones have some kilobytes."""
MOST_DEPTH = 50
"""The most values inside each other in a configuration."""
READ_BEFORE = ("*.json", "*.jinja", "*.py", "*.txt", "*.model", "*.tiktoken")
"""What is fetched of a hub id to be looked at before its weights are."""


def locate(model: str, place: str) -> str:
    """The folder, file or hub id that a name stands for; a path that leads nowhere is told before a hub is asked.

    Raises:
        InputError: if it is a path, and nothing is there.
    """
    if model == ORGANISM:
        return str(CHECKPOINT)
    with reading(place, f"'{model[:200]}'", REMEDY):
        path = Path(model).expanduser()
        there = path.exists()
    if not there and (is_gguf(model) or path.is_absolute() or model.startswith(".") or model.count("/") > 1):
        raise InputError(place, f"there is no file or folder '{model[:200]}'", REMEDY)
    if there and not path.is_dir() and not (path.is_file() and is_gguf(model)):
        raise InputError(place, f"'{model}' is neither a folder nor a .gguf file", REMEDY)
    return str(path) if there else model


def is_gguf(name: str) -> bool:
    """Whether a name is that of a GGUF file."""
    return name.endswith(".gguf")


def commit_of(name: str, telling: str, revision: str | None, place: str) -> str:
    """The commit that a hub id's revision stands for, from the hub or, offline, from its cache.

    Args:
        name: the hub id.
        telling: the file by which it is looked up.
        revision: branch, tag or commit; None for the main branch.
        place: of the name, as a dotted path.

    Raises:
        InputError: if there is no such model.
    """
    from transformers.utils.hub import cached_file, extract_commit_hash

    with reading(place, f"'{name}'", REMEDY):
        return str(extract_commit_hash(cached_file(name, telling, revision=revision), None))


def folder_of(name: str, commit: str, place: str) -> Path:
    """The folder of the cache in which a hub id's files lie, all but its weights fetched.

    Raises:
        InputError: if they cannot be fetched.
    """
    from huggingface_hub import snapshot_download

    with reading(place, f"'{name}'", REMEDY):
        return Path(snapshot_download(name, revision=commit, allow_patterns=list(READ_BEFORE)))


def regular_files(folder: Path, place: str) -> list[Path]:
    """Every file below a folder but hidden ones (.git, .cache) and the card, which no loader reads, in order of names.

    Which files a loader reads depends on what others say (an index its shards, a configuration its code), so that any
    list of endings would have gaps. A link counts as what it leads to: the hub's cache is made of links.

    Raises:
        InputError: if there are more than a model has.
    """
    found: list[Path] = []
    waiting, seen = [folder], 0
    with reading(place, f"'{folder}'", REMEDY):
        while waiting:
            for path in waiting.pop().iterdir():
                seen += 1
                if seen > MOST_FILES:
                    problem = f"'{folder}' has more than {MOST_FILES:,} files and is no model"
                    raise InputError(place, problem, "Name the folder of one model.")
                if path.name.startswith(".") or path.name == CARD:
                    continue
                if path.is_dir():
                    waiting.append(path)
                elif path.is_file():
                    found.append(path)
    return sorted(found)


def sha256(path: Path, place: str) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: if it cannot be read.
    """
    with reading(place, f"'{path}'", BROKEN), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path, place: str) -> dict[str, Any]:
    """A configuration file as the loaders read it.

    Raises:
        InputError: naming the file, if it is not a JSON object of an ordinary size.
    """
    with reading(place, f"'{path}'", BROKEN):
        size = path.stat().st_size
        content = json.loads(path.read_text(encoding="utf-8")) if size <= MOST_CONFIGURATION else None
    if size > MOST_CONFIGURATION:
        raise InputError(place, f"'{path}' has {size:,} bytes, too many for a configuration", BROKEN)
    if not isinstance(content, dict) or _is_deep(content):
        raise InputError(place, f"'{path}' is not a JSON object of ordinary depth", BROKEN)
    return content


def _is_deep(content: dict[str, Any]) -> bool:
    """Whether values lie inside each other deeper than in any configuration."""
    level: list[Any] = [content]
    for _ in range(MOST_DEPTH):
        level = [inner for value in level for inner in _inside(value)]
    return bool(level)


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
