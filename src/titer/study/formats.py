"""The format of a file that titer writes, and the message when another titer wrote it."""

from __future__ import annotations

import json
from importlib.metadata import version

from titer.errors import InputError


def check_format(place: str, text: str, known: int) -> None:
    """Tell a file of a newer or an older titer from a damaged one; what is no JSON at all is left to its reader.

    Args:
        place: the file.
        text: the JSON object in it, with its `format` and the version `titer` that wrote it.
        known: the format that this titer reads.

    Raises:
        InputError: if it has another format.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(found, dict) or found.get("format") == known:
        return
    made, number = found.get("titer"), found.get("format")
    by = f"titer {made}" if isinstance(made, str) else "another titer"
    problem = f"made by {by} in format {number}; this is titer {version('titer')}, which reads format {known}"
    raise InputError(place, problem, "Use the titer that made it.")
