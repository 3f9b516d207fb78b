"""What is wrong with something written, in one message with its dotted path; and where two protocols differ."""

from __future__ import annotations

import difflib
import json
import typing
from collections.abc import Collection
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from titer.errors import InputError, shown
from titer.records import Record


def explain(error: ValidationError, model: type[Record], prefix: str = "") -> InputError:
    """The first complaint of pydantic as one message with its dotted path and a remedy."""
    first = error.errors(include_url=False)[0]
    parts = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
    place = ".".join([prefix, *parts] if prefix else parts) or model.__name__
    if first["type"] == "extra_forbidden":
        return InputError(place, "unknown key", _nearest(parts, model))
    if first["type"] == "missing":
        return InputError(place, "this key is missing", "Add it.")
    found = shown(json.dumps(first["input"], default=str, ensure_ascii=False), 80)
    return InputError(place, f"{first['msg'][0].lower()}{first['msg'][1:]}, found {found}", "Correct the value.")


def _nearest(parts: list[str], model: type[Record]) -> str:
    """The keys that are allowed where `parts` ends, the nearest first."""
    for part in parts[:-1]:
        field = model.model_fields.get(part)
        if field is None:
            continue
        found = [t for t in _walk(field.annotation, typing) if isinstance(t, type) and issubclass(t, Record)]
        if found:
            model = found[0]
    known = list(model.model_fields)
    close = difflib.get_close_matches(parts[-1], known, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known here: {', '.join(known)}."


def _walk(annotation: Any, typing: Any) -> list[Any]:
    inner = typing.get_args(annotation)
    return [annotation] if not inner else [leaf for part in inner for leaf in _walk(part, typing)]


def first_difference(old: Any, new: Any, place: str = "") -> str | None:
    """The dotted path at which two protocols given as plain data first differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            here = f"{place}.{key}" if place else key
            if key not in old or key not in new:
                return here
            if found := first_difference(old[key], new[key], here):
                return found
        return None
    if isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old) or index >= len(new):
                return f"{place}.{index}"
            if found := first_difference(old[index], new[index], f"{place}.{index}"):
                return found
        return None
    return None if old == new and type(old) is type(new) else place


def check_increasing(place: str, values: tuple[int, ...] | tuple[float, ...]) -> None:
    """Each value is above the one before it."""
    for lower, upper in pairwise(values):
        if upper <= lower:
            raise InputError(place, f"{upper} comes after {lower}", "Let it increase strictly.")


def require_split(splits: Collection[str], split: str, place: str, why: str) -> None:
    """A split is there."""
    if split not in splits:
        raise InputError(place, f"there is no split '{split}', but {why}", f"Add its size: {split} = ...")
