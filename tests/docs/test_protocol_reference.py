"""The reference of the protocol: every key has its entry, a meaning and an example that the schema takes."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any, get_args

import pytest
from support import ROOT

from docs.generate import protocol_examples
from docs.generate.protocol_reference import SPLITS, Key, keys, names_of_splits, page, tables
from titer.cli.app import EXAMPLES
from titer.protocol.data_sources import BenignConfig, DomainConfig, TaskConfig
from titer.protocol.schema import Protocol
from titer.records import Record

TEXT = page()
KEYS = tuple(keys())
WITHOUT_EXAMPLE = {
    "subject.prepare",
    "subject.prepare.parameters",
    "harm.domain",
    "harm.frame.exemplars",
    "harm.frame.soft",
    "attacker.attack.parameters",
}
"""Tables whose keys have examples; what stands beside a name; and what no protocol may set."""


NEEDED: dict[str, dict[str, Any]] = {
    "tuning": {"trials": 4, "attack": "direct"},
    "search": {"trials": 4},
    "utility": {"margin": 0.5},
}
"""What a table must have that the demonstration has not."""


def records(of: type[Record], seen: set[type[Record]]) -> set[type[Record]]:
    """Every record that a protocol is made of."""
    pending: list[Any] = [field.annotation for field in of.model_fields.values()]
    seen.add(of)
    while pending:
        annotation = pending.pop()
        pending += get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Record) and annotation not in seen:
            records(annotation, seen)
    return seen


def name_of(record: type[Record]) -> str:
    return record.__name__


RECORDS: list[type[Record]] = sorted(records(Protocol, set()), key=name_of)


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_every_field_of_a_protocol_says_what_it_means(record: type[Record]) -> None:
    assert [name for name, field in record.model_fields.items() if not field.description] == []


def test_every_key_has_its_entry_with_type_and_default() -> None:
    entries = re.findall(r"^### `([\w.]+)`\n\n(.+)\n\{ \.key \}\n\n(.+)$", TEXT, flags=re.MULTILINE)
    assert [name for name, _, _ in entries] == [key.path.removeprefix("SOURCE.") for key in KEYS]
    assert len(entries) > 100
    for name, facts, _ in entries:
        assert re.search(r"; (required|default `|not set by default)", facts), name


def test_the_keys_are_those_of_the_schema() -> None:
    written = {key.path for key in KEYS}
    for place, record in (("benign", BenignConfig), ("harm.domain", DomainConfig), ("task", TaskConfig)):
        for name in record.model_fields:
            assert f"{place}.{name}" in written or f"SOURCE.{name}" in written
    assert {name for name, field in Protocol.model_fields.items()} - {path for path, _ in tables()} == {"defense"}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_key_has_an_example(key: Key) -> None:
    assert (protocol_examples.example(key.path) is None) == (key.path in WITHOUT_EXAMPLE)


@pytest.mark.parametrize("path", protocol_examples.WRITTEN)
def test_a_written_example_is_taken_by_the_schema(path: str) -> None:
    data = tomllib.loads((EXAMPLES / "demo.toml").read_text(encoding="utf-8"))
    data["usability"] = {}
    ((name, value),) = tomllib.loads(protocol_examples.WRITTEN[path]).items()
    *tables_above, last = path.replace("SOURCE", "benign").split(".")
    assert name == last
    place = data
    for part in tables_above:
        found = place.setdefault(part, dict(NEEDED.get(part, {})))
        place = found[0] if isinstance(found, list) else found
    place[name] = value
    Protocol.model_validate_json(json.dumps(data))


def test_every_split_is_explained_and_no_other() -> None:
    named = {name for place in ("benign", "harm.domain", "task") for name in names_of_splits(place)}
    assert named == {*SPLITS}


def test_what_the_changelog_names_of_a_protocol_is_in_the_reference() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = {path.partition(".")[0] for path, _ in tables()}
    named = {name for name in re.findall(r"`(\w+(?:\.\w+)+)[ `]", text) if name.partition(".")[0] in sections}
    assert len(named) > 5
    assert named <= {key.path for key in KEYS}
