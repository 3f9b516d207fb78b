"""The protocol as written: what its digest depends on, and what differs between two."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.full_protocol import FULL, full, set_at

from titer.errors import InputError
from titer.protocol.diagnostics import first_difference
from titer.protocol.loading import load, parse
from titer.protocol.schema import Protocol

TOML = """
[study]
name = "{name}"
[subject]
model = "organism"
[harm]
threshold = {threshold}
grading = {{ harm = "exact_match" }}
{comment}
[[harm.domain]]
name = "near"
role = "defended"
source = "near.csv"
splits = {splits}
[attacker]
budget = {{ steps = 32 }}
ladder = [0, 16, 32]
sham = false
attack = ["direct"]
"""


def leaves(data: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(data, dict | list) and data:
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, f"{place}.{key}" if place else str(key))
    else:
        yield place, data


def alternatives(value: Any, outcomes: list[str]) -> list[Any]:
    """Other values that a leaf might take, the plainest first."""
    if isinstance(value, bool):
        return [not value, ["x"]]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, float):
        return [value * 1.01, value / 1.01]
    if isinstance(value, str):
        return [f"{value}x", *(outcome for outcome in outcomes if outcome != value)]
    return [
        "x",
        3,
        {"name": "x", "parameters": {}},
        ["x"],
        {"prompt": "x"},
        {"prompt": 3},
        {"response": 3},
        {"x": ["y"]},
    ]


def changed(data: dict[str, Any], path: str, value: Any, outcomes: list[str]) -> Protocol:
    """The protocol with another value at one leaf, whatever the checks would say of it."""
    for other in alternatives(value, outcomes):
        trial = copy.deepcopy(data)
        set_at(trial, path, other)
        try:
            return Protocol.model_validate_json(json.dumps(trial))
        except (ValidationError, InputError):
            continue
    raise AssertionError(f"nothing else fits at {path}")


REFERRED_TO = ("task.0.name", "task.1.name")
"""Names that a condition refers to: they cannot change alone."""


def test_every_leaf_but_the_name_changes_the_digest() -> None:
    protocol = parse(full())
    data = protocol.to_data()
    schema = Protocol.model_json_schema()
    outcomes = [text for path, text in leaves(schema) if ".enum." in path] + [task["name"] for task in data["task"]]
    found = dict(leaves(data))
    assert len(found) > 120
    for path in REFERRED_TO:
        del found[path]
    for path, value in found.items():
        other = changed(data, path, value, outcomes)
        assert (other.digest == protocol.digest) == (path == "study.name"), path
        difference = first_difference(data, other.to_data())
        assert difference is not None
        assert difference.startswith(path) or path.startswith(difference)


def written(folder: Path, **fields: str) -> Protocol:
    path = folder / "protocol.toml"
    plain = {"name": "a", "threshold": "0.2", "comment": "", "splits": "{ attack = 20, probe = 120 }"}
    path.write_text(TOML.format(**(plain | fields)))
    return load(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"comment": "# chosen with the release team"},
        {"threshold": "0.20"},
        {"threshold": "2e-1"},
        {"splits": "{ probe = 120, attack = 20 }"},
        {"name": "b"},
    ],
)
def test_the_digest_does_not_depend_on_how_it_is_written(tmp_path: Path, fields: dict[str, str]) -> None:
    assert written(tmp_path, **fields).digest == written(tmp_path).digest


@pytest.mark.parametrize(
    ("sampling", "known"),
    [
        (None, "e361faea42d5f300fd82ca07b4a22722"),
        ("fixed", "e361faea42d5f300fd82ca07b4a22722"),
        ("curtailed", "333aa7032208a2f095910e899250c8c3"),
    ],
)
def test_the_digests_of_studies_that_were_begun_stay(sampling: str | None, known: str) -> None:
    data = full()
    if sampling is not None:
        set_at(data, "harm.sampling", sampling)
    assert parse(data).digest == known


def test_the_digest_does_not_depend_on_the_order_of_tables() -> None:
    reordered = {key: full()[key] for key in reversed(FULL)}
    assert parse(reordered).digest == parse(full()).digest


def test_short_forms_mean_the_same_as_long_ones() -> None:
    long = full()
    long["benign"] = [long["benign"]]
    long["trainability"]["attack"] = {"name": "direct", "parameters": {}}
    assert parse(long) == parse(full())


def test_a_protocol_round_trips_through_its_plain_data() -> None:
    protocol = parse(full())
    again = parse(protocol.to_data())
    assert again == protocol
    assert again.digest == protocol.digest


def test_first_difference_names_the_dotted_path() -> None:
    old = parse(full()).to_data()
    for path, value in [("harm.threshold", 0.3), ("harm.domain.1.splits.probe", 121), ("attacker.ladder.4", 128)]:
        new = copy.deepcopy(old)
        set_at(new, path, value)
        assert first_difference(old, new) == path
    assert first_difference(old, copy.deepcopy(old)) is None
    assert first_difference({"a": [1]}, {"a": [1, 2]}) == "a.1"
    assert first_difference({"a": 1}, {"a": 1, "b": 2}) == "b"
    assert first_difference({"a": 1}, {"a": True}) == "a"


@pytest.mark.parametrize(
    ("path", "meant", "known"),
    [
        ("study.confidance", "confidence", "share"),
        ("harm.treshold", "threshold", "grading"),
        ("harm.domain.0.refusal", "refusals", "role"),
        ("attacker.budget.step", "steps", "steps"),
        ("trainability.rate", "rates", "ladder"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(path: str, meant: str, known: str) -> None:
    data = full()
    set_at(data, path, 1)
    with pytest.raises(InputError) as error:
        parse(data)
    assert error.value.place == path
    assert error.value.problem == "unknown key"
    assert f"Did you mean '{meant}'?" in error.value.remedy
    assert known in error.value.remedy


def test_the_protocol_is_read_from_a_file_or_refused_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such protocol file"):
        load(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[study\n")
    with pytest.raises(InputError, match=r"its TOML cannot be read: .*line 1"):
        load(broken)
