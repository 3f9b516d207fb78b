"""How large anything in a protocol may be, and why: checked on the plain data, before anything is made of it.

A bound is far beyond any study that is meant. It stands between a slip of the keyboard, or a file that was made to
hurt, and a machine that plans for hours; and its message says which number it was.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from titer.errors import InputError

Keys = tuple[str, ...]
"""Where a value stands: the keys that lead to it, without the indices of lists."""


class Bound(NamedTuple):
    """The least and the most that a number may be, or only the most of a length; and the reason."""

    most: float
    reason: str
    least: float = -math.inf


_STEPS = Bound(10_000_000, "no fine-tuning takes so many steps")
_GROUPS = Bound(1_000_000, "no source has so many groups")
_ROWS = Bound(65_536, "no machine holds so many rows at once")
_TOKENS = Bound(1_000_000, "no model answers at such length")
_SIGNS = Bound(10_000_000, "no row is so long")
_TRIALS = Bound(10_000, "no search tries so many configurations")
_SIZES = Bound(1_000_000, "no layer of a model is so large")

NUMBERS: Final[Mapping[str, Bound]] = {
    "seeds.attack": Bound(1_000, "each seed repeats the whole study"),
    "seeds.defense": Bound(1_000, "each seed repeats the whole study"),
    "seeds.first": Bound(1_000_000_000, "seeds are counted from it"),
    "study.confidence": Bound(0.9999, "no study has the seeds for more"),
    "study.share": Bound(0.5, "the seeds of a study cannot show it", least=0.01),
    "harm.threshold": Bound(0.999, "the items of a study cannot show it", least=0.001),
    "stability.share": Bound(0.999, "the items of a study cannot show it", least=0.001),
    "epsilon": Bound(1_000, "doses are not compared so finely or so coarsely", least=0.001),
    "threads": Bound(1_024, "no machine has so many"),
    "max_new_tokens": _TOKENS,
    "longest": _SIGNS,
    "cut": _SIGNS,
    "splits": _GROUPS,
    "draw": _GROUPS,
    "distractors": Bound(100, "nobody chooses from so many answers"),
    "ladder": _STEPS,
    "budget": _STEPS,
    "train_steps": _STEPS,
    "switch": _STEPS,
    "warmup": _STEPS,
    "period": _STEPS,
    "schedule.steps": _STEPS,
    "prepare.steps": _STEPS,
    "batch": _ROWS,
    "accumulation": _ROWS,
    "prompts": _ROWS,
    "examples": _ROWS,
    "shots": _ROWS,
    "group": _ROWS,
    "size": _GROUPS,
    "tokens": Bound(10_000, "no context has room for so many"),
    "rank": _SIZES,
    "alpha": _SIZES,
    "block": _SIZES,
    "directions": _SIZES,
    "positions": Bound(10_000, "no prompt has so many"),
    "search.trials": _TRIALS,
    "search.round": _TRIALS,
    "search.startup": _TRIALS,
}
"""By the last keys that lead to a number, the first that fit; a list of numbers counts as each of them."""
INTEGER: Final = Bound(10**12, "no number of a study is so large", least=-(10**12))
REAL: Final = Bound(3.4e38, "float32, in which models compute, holds none so large", least=-3.4e38)

LISTS: Final[Mapping[str, Bound]] = {
    "attacker.attack": Bound(100, "each is trained on each domain with each seed"),
    "harm.domain": Bound(100, "each is attacked by each attack with each seed"),
    "task": Bound(100, "each is asked of each model"),
    "benign": Bound(100, "all of them are read"),
    "defense": Bound(20, "each is made upon the one before"),
    "attack.domains": Bound(100, "a study has no more domains"),
    "subject.prepare": Bound(20, "each is made upon the one before"),
    "prepare.domains": Bound(100, "a study has no more domains"),
    "prepare.teaches": Bound(100, "a study has no more domains"),
    "ladder": Bound(200, "each dose is asked and judged"),
    "rates": Bound(100, "each is trained"),
    "refusals": Bound(1_000, "one is drawn for each row"),
    "where": Bound(10_000, "a file of rows of its own says it better"),
    "tasks": Bound(100, "a study has no more tasks"),
}
"""By the last keys that lead to a list, the first that fit."""
LIST: Final = Bound(1_000, "no list of a study is so long")

NAMES: Final[Mapping[str, Bound]] = {
    "study.name": Bound(64, "a folder is named after it"),
    "domain.name": Bound(64, "files and tables are named after it"),
    "task.name": Bound(64, "files and tables are named after it"),
    "attack_with": Bound(64, "it is the name of a domain"),
    "name": Bound(100, "it is the name of a method"),
    "source": Bound(1_000, "it is a path or the name of a data set"),
    "model": Bound(1_000, "it is a path or the name of a model"),
    "base": Bound(1_000, "it is a path or the name of a model"),
    "reference": Bound(1_000, "it is a path or the name of a model"),
    "subject.parent": Bound(1_000, "it is the name of a model"),
    "study.store": Bound(1_000, "it is a path"),
    "study.follows": Bound(1_000, "it is a path"),
    "revision": Bound(200, "it is a name in a repository"),
    "subset": Bound(200, "it is a name in a data set"),
    "split": Bound(200, "it is a name in a data set"),
    "preset": Bound(100, "it is the name of an attacker"),
}
"""By the last keys that lead to a name or path, the first that fit: every sign of one can be printed."""
TEXT: Final = Bound(20_000, "no text of a protocol is so long")
FILE_NAME: Final = 255
"""The most bytes of a part of a path."""
KEY: Final = Bound(200, "no key is so long")
DEPTH: Final = Bound(12, "no value of a protocol lies so deep")
ENTRIES: Final = Bound(100_000, "no protocol has so many values")


def check_bounds(data: Any, place: str = "") -> None:
    """Look whether plain data stays within every bound, and is plain data at all.

    Args:
        data: what was written, as a parser returns it.
        place: where it stands; empty for a whole protocol.

    Raises:
        InputError: with the dotted path, the value, its bound and the reason.
    """
    for number, (here, keys, value) in enumerate(_walk(data, place)):
        if number > ENTRIES.most:
            raise _beyond(place or "protocol", "it has too many values", "values", ENTRIES)
        _check_value(here or "protocol", keys, value)


def _walk(data: Any, place: str) -> Iterator[tuple[str, Keys, Any]]:
    """Every value with its dotted path and the keys to it, those that hold others before these; no recursion."""
    left: list[tuple[str, Keys, Any, int]] = [(place, (), data, 0)]
    while left:
        here, keys, value, depth = left.pop()
        if depth > DEPTH.most:
            raise _beyond(here, "it is nested too deeply", "levels", DEPTH)
        yield here, keys, value
        inner: Iterator[tuple[str, Keys, Any]] = iter(())
        if isinstance(value, Mapping):
            inner = ((_joined(here, key), (*keys, str(key)), own) for key, own in value.items())
        elif isinstance(value, list | tuple):
            inner = ((_joined(here, index), keys, own) for index, own in enumerate(value))
        left += [(*one, depth + 1) for one in inner][::-1]


def _joined(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _check_value(place: str, keys: Keys, value: Any) -> None:
    if isinstance(value, Mapping):
        for key in value:
            _check_key(place, key)
        _check_length(place, len(value), "keys", LIST)
    elif isinstance(value, list | tuple):
        _check_length(place, len(value), "entries", bound_of(LISTS, keys) or LIST)
    elif isinstance(value, str):
        _check_text(place, value, bound_of(NAMES, keys))
    elif isinstance(value, int | float):
        _check_number(place, value, bound_of(NUMBERS, keys))
    elif value is not None:
        problem = f"{type(value).__name__} {str(value)[:40]} is no value of a protocol"
        raise InputError(place, problem, "Use numbers, lists, and texts in quotes.")


def bound_of(table: Mapping[str, Bound], keys: Keys) -> Bound | None:
    """The first bound of a table whose keys are the last, or but for one the last, that lead to a value."""
    for pattern, bound in table.items():
        names = tuple(pattern.split("."))
        if keys[-len(names) :] == names or (pattern in _BY_KEY and keys[-2:-1] == names):
            return bound
    return None


_BY_KEY = ("splits", "longest", "cut", "budget", "ladder", "where", "search.trials")
"""What holds values by a key of their own."""


def _check_key(place: str, key: Any) -> None:
    if not isinstance(key, str):
        raise InputError(place, f"the key {key!r} is no text", "Write it in quotes.")
    if not key.strip():
        raise InputError(place, "a key is empty", "Name it, or leave it out.")
    _check_text(place, key, KEY)


def _check_text(place: str, text: str, bound: Bound | None) -> None:
    if bound is not None and not text.isprintable():
        found = next(sign for sign in text if not sign.isprintable())
        remedy = "Leave it out: names, paths and keys are of signs that can be printed."
        raise InputError(place, f"it holds the sign U+{ord(found):04X}", remedy)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        problem = f"it holds half a sign, U+{ord(text[error.start]):04X}, which no file can hold"
        raise InputError(place, problem, "Write the sign itself.") from error
    _check_length(place, len(text), "signs", bound or TEXT)
    if bound is not None and any(len(part.encode()) > FILE_NAME for part in text.split("/")):
        problem = f"a part of it has more than {FILE_NAME} bytes, and no file is named so"
        raise InputError(place, problem, "Shorten it.")


def _check_length(place: str, length: int, what: str, bound: Bound) -> None:
    if length > bound.most:
        raise _beyond(place, f"{length:,} {what} are too many", what, bound)


def _check_number(place: str, value: float, bound: Bound | None) -> None:
    if isinstance(value, bool):
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(place, f"{value} is no number to compute with", "Write a finite one.")
    bound = bound or (INTEGER if isinstance(value, int) else REAL)
    if value > bound.most:
        raise InputError(place, f"{_said(value)} is more than {_said(bound.most)}: {bound.reason}", "Lower it.")
    if value < bound.least:
        problem = f"{_said(value)} is less than {_said(bound.least)}: {bound.reason}"
        raise InputError(place, problem, "Raise it.")


def _said(value: float) -> str:
    """A number in a few signs: an integer may have more digits than Python writes."""
    if isinstance(value, int) and value.bit_length() > 60:
        return f"{'-' if value < 0 else ''}a number of about {int(value.bit_length() * math.log10(2)):,} digits"
    return f"{value:,}" if isinstance(value, int) else f"{value:.10g}"


def _beyond(place: str, problem: str, what: str, bound: Bound) -> InputError:
    return InputError(place, f"{problem}: {bound.reason}", f"Keep to {bound.most:,.0f} {what} or fewer.")
