"""The same protocol with another defense, as a text: comments, attacker, domains and tasks stay as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit

from titer.records import Choice


def with_defense(text: str, defense: Choice, study: str, space: Mapping[str, Any]) -> str:
    """A protocol whose first defense is another one.

    Args:
        text: the protocol file.
        defense: the one that takes the place.
        study: the name of the study that results.
        space: what `titer tune` is to try of it, where the protocol tunes; nothing takes the tuning out.
    """
    document: Any = tomlkit.parse(text)
    document["study"]["name"] = study
    table = tomlkit.table()
    for key, value in {"name": defense.name, **defense.parameters}.items():
        table[key] = value
    document["defense"][0] = table
    if space and "tuning" in document:
        document["tuning"]["space"] = dict(space)
    else:
        document.pop("tuning", None)
    return tomlkit.dumps(document)
