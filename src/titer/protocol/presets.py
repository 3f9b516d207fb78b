"""Attackers by name: what a protocol gets that names one in `attacker.preset`.

A preset is a file in `presets/`. Its name ends with a version: what a name stands for never changes.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from titer.errors import InputError
from titer.records import canonical

_FOLDER = files("titer.protocol") / "presets"


def names() -> tuple[str, ...]:
    """Every preset."""
    return tuple(sorted(path.name.removesuffix(".toml") for path in _FOLDER.iterdir() if path.name.endswith(".toml")))


@cache
def read(name: str) -> Mapping[str, Any]:
    """The file of a preset: `what` it is in words, `search`, `budget` by axis, and its attacks.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise InputError("attacker.preset", f"unknown preset '{name}'", f"{hint}Known: {', '.join(names())}.")
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def expanded(attacker: Any) -> Any:
    """The attacker of a protocol with the preset that it names written out, where it names one.

    What stands in the protocol beside the name comes first: its search, its budgets; its attacks join those of the
    preset. Writing out once more changes nothing.
    """
    if not isinstance(attacker, Mapping) or not isinstance(attacker.get("preset"), str):
        return attacker
    preset = read(attacker["preset"])
    budget, attacks, search = attacker.get("budget", {}), attacker.get("attack", ()), attacker.get("search")
    if not isinstance(budget, Mapping) or not isinstance(attacks, list | tuple):
        return attacker
    known = {canonical(_flat(attack)) for attack in attacks}
    added = [attack for attack in preset["attack"] if canonical(_flat(attack)) not in known]
    written = {**attacker, "budget": {**preset.get("budget", {}), **budget}, "attack": [*added, *attacks]}
    search = preset.get("search") if search is None else search
    return written if search is None else {**written, "search": search}


def _flat(attack: Any) -> Any:
    """An attack with its parameters beside its name, however it is written."""
    if not isinstance(attack, Mapping) or not isinstance(attack.get("parameters"), Mapping):
        return attack
    return {key: value for key, value in attack.items() if key != "parameters"} | dict(attack["parameters"])
