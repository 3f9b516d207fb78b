"""Every value of a protocol has a bound: what lies beyond is refused with its place, its value and the reason."""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

import pytest
from support.full_protocol import full, set_at

from titer.errors import InputError
from titer.methods import registry
from titer.protocol import parse
from titer.protocol.bounds import LISTS, NAMES, NUMBERS, check_bounds

DEEP: Any = 1
for _ in range(50):
    DEEP = [DEEP]

BEYOND: list[tuple[str, Any, str, str]] = [
    ("study.seeds.attack", 10**9, "study.seeds.attack", "1,000,000,000 is more than 1,000: each seed repeats"),
    ("study.seeds.attack", 10**5000, "study.seeds.attack", "a number of about 5,000 digits is more than 1,000"),
    ("study.seeds.first", -(10**30), "study.seeds.first", "greater than or equal to 0"),
    ("study.share", 1e-9, "study.share", "1e-09 is less than 0.01"),
    ("study.confidence", 0.999999, "study.confidence", "more than 0.9999"),
    ("study.name", "a" * 65, "study.name", "65 signs are too many: a folder is named after it"),
    ("study.name", "a\x00b", "study.name", r"it holds the sign U\+0000"),
    ("study.store", "a\x1b[31m", "study.store", r"it holds the sign U\+001B"),
    ("study.follows", "a\u202eb", "study.follows", r"it holds the sign U\+202E"),
    ("compute.threads", 10**6, "compute.threads", "no machine has so many"),
    ("compute.batch", 10**7, "compute.batch", "no machine holds so many rows"),
    ("harm.threshold", math.nan, "harm.threshold", "nan is no number to compute with"),
    ("harm.threshold", -math.inf, "harm.threshold", "-inf is no number to compute with"),
    ("harm.threshold", datetime.date(2026, 1, 1), "harm.threshold", "date 2026-01-01 is no value of a protocol"),
    ("harm.threshold", datetime.time(1, 2), "harm.threshold", "time 01:02:00 is no value of a protocol"),
    ("harm.threshold", DEEP, r"harm\.threshold(\.0)+", "nested too deeply"),
    ("harm.frame.system", "a\ud800", "harm.frame.system", r"half a sign, U\+D800"),
    ("harm.frame.system", "a" * 20_001, "harm.frame.system", "20,001 signs are too many"),
    ("harm.frame.max_new_tokens", 10**7, "harm.frame.max_new_tokens", "no model answers at such length"),
    ("harm.domain.1.splits.probe", 10**7, "harm.domain.1.splits.probe", "no source has so many groups"),
    ("harm.domain.0.source", "a\nb", "harm.domain.0.source", r"it holds the sign U\+000A"),
    ("harm.domain.0.source", "a/" + "é" * 128, "harm.domain.0.source", "more than 255 bytes"),
    ("harm.domain.0.refusals", ["no"] * 1_001, "harm.domain.0.refusals", "1,001 entries are too many: one is drawn"),
    ("attacker.ladder", list(range(201)), "attacker.ladder", "each dose is asked and judged"),
    ("attacker.ladder", [0, 8, 32, 10**8], "attacker.ladder.3", "no fine-tuning takes so many steps"),
    ("attacker.attack", ["direct"] * 101, "attacker.attack", "101 entries are too many"),
    ("attacker.attack.0.lr", 1e300, "attacker.attack.0.lr", "float32"),
    ("attacker.attack.0.batch", 10**9, "attacker.attack.0.batch", "no machine holds so many rows"),
    ("attacker.attack.0.trainable", {"kind": "lora", "rank": 10**9}, "attacker.attack.0.trainable.rank", "layer"),
    ("attacker.attack.0.unheard", 10**15, "attacker.attack.0.unheard", "1,000,000,000,000,000 is more than"),
    ("attacker.attack.0.a\x07", 1, "attacker.attack.0", r"it holds the sign U\+0007"),
    ("attacker.attack.0. ", 1, "attacker.attack.0", "a key is empty"),
    ("task.0.where", {"kind": ["x"] * 10_001}, "task.0.where.kind", "a file of rows of its own says it better"),
    ("subject.prepare.steps", 10**9, "subject.prepare.steps", "no fine-tuning takes so many steps"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "place", "problem"), BEYOND, ids=range(len(BEYOND)))
def test_what_lies_beyond_a_bound_is_refused_with_its_place(path: str, value: Any, place: str, problem: str) -> None:
    data = full()
    set_at(data, path, value)
    with pytest.raises(InputError, match=problem) as error:
        parse(data)
    assert re.fullmatch(place, error.value.place)


@pytest.mark.parametrize("keys", NUMBERS)
def test_a_number_is_refused_from_its_bound_on(keys: str) -> None:
    bound = NUMBERS[keys]
    *outer, last = keys.split(".")
    for value, far in ((bound.most, bound.most * 2), (max(bound.least, 0), bound.least - 1)):
        inner, beyond = {last: value}, {last: far}
        for key in reversed(outer):
            inner, beyond = {key: inner}, {key: beyond}  # type: ignore[dict-item]
        check_bounds(inner)
        if math.isfinite(far):
            with pytest.raises(InputError, match=bound.reason):
                check_bounds(beyond)


def test_bounds_are_far_from_every_default() -> None:
    """What a method does by itself is within the bounds, and so is everything that a search tries by default."""
    for kind in registry.CATALOGS:
        for method in registry.known(kind).values():
            defaults = {name: own.default for name, own in method.model_fields.items() if not own.is_required()}
            plain = json.loads(json.dumps({**defaults, **method.example}, default=lambda value: value.to_data()))
            check_bounds({"attack": [plain]})
            check_bounds({"search": {name: part.to_data() for name, part in method.space().items()}})


def test_every_bound_has_its_reason_in_its_message() -> None:
    for table in (NUMBERS, LISTS, NAMES):
        assert all(bound.reason and not bound.reason.endswith(".") for bound in table.values())


@pytest.mark.parametrize("value", [{1: 2}, {"a": {None: 1}}, {"a": b"x"}, {"a": {1, 2}}, {"a": object()}, [1j]])
def test_what_is_no_plain_data_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        check_bounds(value)


def test_a_protocol_of_very_many_values_is_not_gone_through() -> None:
    with pytest.raises(InputError, match="it has too many values"):
        check_bounds({f"a{i}": {f"b{j}": [0] * 999 for j in range(100)} for i in range(10)})


def test_the_doses_of_all_curves_together_are_bounded() -> None:
    data = full()
    data["study"]["seeds"]["attack"] = 1_000
    data["attacker"] |= {"ladder": list(range(0, 128, 2)), "attack": [{"name": "direct", "lr": 1e-4}]}
    with pytest.raises(InputError, match=r"study\.seeds\.attack: [\d,]+ doses would be asked and judged, and 50,000"):
        parse(data)
