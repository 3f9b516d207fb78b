"""Ways to bend an input at random: bytes of a file, its text, and a tree of plain data. Each is a pure function."""

from __future__ import annotations

import copy
import datetime
import random
from collections.abc import Callable, Sequence
from typing import Any

Place = tuple[Any, Any]
"""A dict or list of a tree, and the key or index in it."""

NUMBERS: Sequence[Any] = (
    0, -1, 1, 2, 3, 7, 100, 10_000, 10**6, 10**9, 2**31, 2**63, -(2**63), 10**30, 10**400, 0.0, -0.0, 0.5, 1.0, 1e-9,
    1e-300, 5e-324, 0.999999999999, 1e9, 1e308, -1e308, float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip
TEXTS: Sequence[str] = (
    "", " ", "a", "x" * 300, "x" * 70_000, "\x00", "a\x1b[31mred\x07", "\u202eabc", "\ud800", "a\ud800b", "\u2028",
    "naïve 答案 🙂", "null", "nan", "1e5", "..", "../..", ".", "/proc/none", "/dev/null", "/dev/null.jsonl", "~",
    "$HOME", "$TITER_DATA/x.csv", "no/such", "no/such/file.jsonl", "organism", "organism:", "organism:nothing",
    "{prompt}", "{a.b.c}", "{", "}", "{0}", "%s", "{prompt}" * 50, "prompt", "prompt.0.1", "a.b", "native", "direct",
    "generate", "coherence", "refusal", "exact_match", "baseline", "organism:vaults", "default", "full", "lora",
    "cosine", "-", "https://example.invalid/x", "file:///etc/passwd", "model.gguf", "\n", "a\nb", "é" * 255,
)  # fmt: skip
DATES = (datetime.date(1979, 5, 27), datetime.datetime(1979, 5, 27, 7, 32), datetime.time(7, 32, 0, 999))
DEEP = 3_000
"""How deep a value goes in a text: beyond the recursion of any parser."""
DEEPLY = (1, 2, 40, 200)
"""How deep one goes in a tree, which Python must still be able to copy."""


def mutate_bytes(content: bytes, draw: random.Random) -> bytes:
    """One to four of: a bit flipped, the end cut off, bytes put in, taken out, repeated or moved, a NUL, a field maxed.

    Args:
        content: a file as it should be; may be empty.
        draw: decides all of it.
    """
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(_BYTES)(content, draw)
    return content


def mutate_text(text: str, draw: random.Random) -> bytes:
    """The bytes of a text with its lines repeated, lost or exchanged, texts and digits put in, or its bytes bent."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        text = draw.choice(_LINES)(text, draw)
    encoded = text.encode("utf-8", "surrogatepass")
    return mutate_bytes(encoded, draw) if draw.random() < 0.4 else encoded


def mutate_data(data: Any, draw: random.Random) -> Any:
    """A copy of plain data with one to three values replaced, of another type, lost, repeated, moved or nested deeply.

    Numbers come from `NUMBERS`, texts from `TEXTS`, dates and times from `DATES`; keys are bent as well.
    """
    tree = [copy.deepcopy(data)]
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        _change(tree, draw)
    return tree[0]


def places(tree: Any) -> list[Place]:
    """Every place of a tree that holds a value, by its dict or list."""
    found: list[Place] = []
    left = [tree]
    while left:
        inner = left.pop()
        for key in list(inner) if isinstance(inner, dict) else range(len(inner)):
            found.append((inner, key))
            if isinstance(inner[key], dict | list):
                left.append(inner[key])
    return found


def _change(tree: list[Any], draw: random.Random) -> None:
    here, key = draw.choice(places(tree))
    what = draw.random()
    if what < 0.55:
        here[key] = _near(here[key], draw)
    elif what < 0.75:
        here[key] = draw.choice(_VALUES)(draw)
    elif what < 0.81 and here is not tree:
        del here[key]
    elif what < 0.88:
        _repeat(here, key, draw)
    elif what < 0.97:
        there, other = draw.choice(places(tree))
        here[key] = copy.deepcopy(there[other])
    else:
        here[key] = _nested(here[key], draw)


def _near(value: Any, draw: random.Random) -> Any:
    """A value of the same type: another number, a text bent a little."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice((value + 1, value - 1, value * 2, value * 1000, -value, draw.randrange(0, 200), 0))
    if isinstance(value, float):
        return draw.choice((value * 10, value / 10, value * 2, -value, draw.random(), draw.random() * 100, 1, 0.0))
    if isinstance(value, str):
        at = draw.randrange(len(value) + 1)
        return value[:at] + draw.choice(("", "x", "/", ".", " ", *TEXTS)) + value[at + draw.randrange(2) :]
    return draw.choice(_VALUES)(draw)


def _repeat(here: Any, key: Any, draw: random.Random) -> None:
    """An entry twice or many times; a key once more under another name."""
    if isinstance(here, list):
        here[key:key] = [copy.deepcopy(here[key])] * draw.choice((1, 1, 2, 300))
    else:
        here[draw.choice((f"{key}s", f"{key}.x", key[1:], *TEXTS))] = copy.deepcopy(here[key])


def _nested(value: Any, draw: random.Random) -> Any:
    key = draw.choice((None, "parameters", "a"))
    for _ in range(draw.choice(DEEPLY)):
        value = [value] if key is None else {key: value}
    return value


_VALUES: Sequence[Callable[[random.Random], Any]] = (
    lambda draw: draw.choice(NUMBERS),
    lambda draw: draw.choice(NUMBERS),
    lambda draw: draw.choice(TEXTS),
    lambda draw: draw.choice(TEXTS),
    lambda draw: draw.choice(DATES),
    lambda draw: None,
    lambda draw: [],
    lambda draw: {},
    lambda draw: {draw.choice(TEXTS): draw.choice(NUMBERS)},
    lambda draw: [draw.choice(NUMBERS) for _ in range(draw.choice((1, 2, 5)))],
    lambda draw: [draw.choice(TEXTS) for _ in range(draw.choice((1, 3)))],
    lambda draw: list(range(draw.choice((2, 40, 5_000)))),
    lambda draw: int("9" * draw.choice((20, 4_000))),
)


def _flip(content: bytes, draw: random.Random) -> bytes:
    if not content:
        return b"\x00"
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]


def _truncate(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _insert(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + draw.randbytes(draw.choice((1, 2, 8, 100))) + content[at:]


def _delete(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at + draw.choice((1, 2, 8, 100)) :]


def _duplicate(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content) + 1)
    return content[:at] + content[at : at + draw.choice((1, 8, 200))] * draw.choice((2, 2, 50)) + content[at:]


def _swap(content: bytes, draw: random.Random) -> bytes:
    first, second = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return content[second:] + content[first:second] + content[:first]


def _maximum(content: bytes, draw: random.Random) -> bytes:
    """A little-endian field of 1, 4 or 8 bytes becomes the largest or smallest one."""
    at, size = draw.randrange(len(content) + 1), draw.choice((1, 4, 8))
    return content[:at] + draw.choice((b"\xff", b"\x00", b"\x7f")) * size + content[at + size :]


_BYTES = (_flip, _flip, _truncate, _insert, _delete, _duplicate, _swap, _maximum)


def _line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    how = draw.randrange(3)
    if how == 0:
        lines[at:at] = [lines[at]] * draw.choice((1, 1, 2_000))
    elif how == 1:
        del lines[at]
    else:
        lines[at], lines[other] = lines[other], lines[at]
    return "\n".join(lines)


def _text(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice((*TEXTS, '"', "'", "[", "]", "{", ",", "=", "\r", "#", "\\u0000")) + text[at:]


def _digits(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice(_SIGNS) + text[at:]


_SIGNS = (
    "9" * 5_000, "-", "e400", "nan", "0x", ".", "1979-05-27", "[" * DEEP, "[" * DEEP + "]" * DEEP,
    '{"a":' * DEEP + "1" + "}" * DEEP, "{a=" * DEEP + "1" + "}" * DEEP,
)  # fmt: skip
_LINES = (_line, _text, _digits)
