"""Plain data as TOML, whatever it holds: what TOML has no word for is written so that its parser must complain."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any


def write(data: Any) -> str:
    """One line for each key at the top, the rest inline; anything but a table becomes the value of one key."""
    if not isinstance(data, Mapping):
        return f"value = {_value(data)}\n"
    return "".join(f"{_text(key)} = {_value(value)}\n" for key, value in data.items())


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return _text(value) if isinstance(value, str) else repr(value)  # None is no TOML


def _text(text: str) -> str:
    """As JSON writes it: TOML refuses the lone surrogates among its escapes; a pair of them is one sign."""
    inner = "".join(sign if sign.isprintable() and sign not in '"\\' else _escaped(sign) for sign in text)
    return f'"{inner}"'


def _escaped(sign: str) -> str:
    return json.dumps(sign)[1:-1] if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
