"""Every record comes back from its JSON as it was; JSON is canonical."""

from __future__ import annotations

import inspect
import json
import operator
import types
import typing
from functools import partial
from typing import Any, get_args

import pytest
from annotated_types import Ge, MinLen
from hypothesis import given
from hypothesis import strategies as st
from support import assays

from titer import records
from titer.analysis import findings
from titer.data.identifiers import ProbeId
from titer.errors import DamagedError
from titer.protocol.schema import Protocol
from titer.records import Answer, Choice, Purpose, Record, Score, Seed, canonical, digest, tupled
from titer.study import tasks

RECORDS = sorted(
    {
        found
        for module in (records, tasks, findings)
        for _, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, Record) and found is not Record and found.__module__.startswith(module.__name__)
    },
    key=lambda c: c.__name__,
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Whatever a field of this type may hold."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any:
        return PLAIN
    if annotation is float:
        return FLOATS
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(values(inner[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, inner))
    if origin is dict:
        return st.dictionaries(values(inner[0]), values(inner[1]), max_size=2)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(values, inner))
    if annotation is Protocol:
        return st.just(assays.protocol())
    if annotation is ProbeId:
        return st.sampled_from([ProbeId.of("harm", "vaults"), ProbeId.of("task", "facts"), ProbeId.of("over_refusal")])
    if inspect.isclass(annotation) and issubclass(annotation, Record):
        return built(annotation)
    return st.from_type(annotation)


def longer(fewest: int, value: Any) -> bool:
    return len(value) >= fewest


def built(kind: type[Record]) -> st.SearchStrategy[Record]:
    """Any record of a class, within the constraints of its fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in kind.model_fields.items():
        fields[name] = values(field.annotation)
        for bound in field.metadata:
            assert isinstance(bound, Ge | MinLen), "a constraint that this test does not know yet"
            if isinstance(bound, Ge):
                fields[name] = fields[name].filter(partial(operator.le, bound.ge))
            else:
                fields[name] = fields[name].filter(partial(longer, bound.min_length))
    return st.builds(kind, **fields)


def test_all_records_are_found() -> None:
    assert {"Answer", "Assay", "ExposeTask", "CellSpec", "Score", "Curve", "Verdict"} <= {c.__name__ for c in RECORDS}


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_a_record_comes_back_from_its_json(kind: type[Record]) -> None:
    @given(built(kind))
    def comes_back(record: Record) -> None:
        text = record.to_json()
        assert "\n" not in text
        assert text == canonical(json.loads(text))
        again = kind.from_json(text)
        assert again == record
        assert again.to_json() == text

    comes_back()


@given(FLOATS)
def test_floats_are_exact(value: float) -> None:
    assert json.loads(canonical({"x": value}))["x"] == value
    assert Score.from_json(Score(item="i", value=value).to_json()).value == value


@given(st.text())
def test_any_text_stays_on_one_line(text: str) -> None:
    line = Answer(probe="p", item="i", text=text + "\n\u2028\r\x85🙂").to_json()
    assert "\n" not in line
    assert Answer.from_json(line).text == text + "\n\u2028\r\x85🙂"


def test_keys_are_sorted_and_their_order_leaves_the_digest_alone() -> None:
    assert canonical({"b": 1, "a": {"d": 2.5, "c": "ü"}}) == '{"a":{"c":"ü","d":2.5},"b":1}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert len({digest(1), digest(1.0), digest("1"), digest(True), digest(None), digest([1])}) == 6


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_not_written(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        canonical({"x": value})
    with pytest.raises(ValueError, match="finite"):
        Score(item="i", value=value)
    with pytest.raises(ValueError, match="JSON"):
        Choice(name="c", parameters={"x": [value]}).to_json()


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"item":"i"}', '{"item":"i","value":NaN}', '{"item":"i","value":"1"}', '{"item":"i","value":1,"x":2}'],
)
def test_what_was_not_written_is_damaged(text: str) -> None:
    with pytest.raises(DamagedError, match="not a Score"):
        Score.from_json(text)


def test_a_record_does_not_change() -> None:
    score = Score(item="i", value=1.0)
    with pytest.raises(ValueError, match="frozen"):
        score.value = 0.0


def test_purpose_and_index_of_a_seed_both_matter() -> None:
    purposes: tuple[Purpose, ...] = get_args(Purpose)
    assert len({Seed(purpose=purpose, index=i).root for purpose in purposes for i in range(99)}) == 4 * 99


def test_two_configurations_of_a_method_have_two_labels() -> None:
    labels = {Choice(name="direct", parameters=p).label for p in ({}, {"lr": 0.1}, {"lr": 0.2})}
    assert len(labels) == 3
    assert "direct" in labels


def test_lists_become_tuples_at_every_depth() -> None:
    assert tupled([1, {"a": [2, [3]]}]) == (1, {"a": (2, (3,))})
