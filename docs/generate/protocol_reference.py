"""The page of the protocol, made from its schema: every key with type, default, bounds, meaning and an example."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from docs.generate.protocol_examples import PLACES_OF_SOURCES, example
from docs.generate.schema_words import Schema, kind, limits, reference, toml
from docs.generate.tables import row
from titer.protocol import bounds
from titer.protocol.data_sources import Source
from titer.protocol.schema import Protocol

INTRO = """# Protocol

Every key of a `protocol.toml`, made from the schema that reads it. An unknown key is refused, and the message names the
nearest known one. `titer init` writes a protocol to begin with; most examples here are lines of
[protocols that come with titer](../examples.md).

Whatever is not said below is bounded too: an integer by ±10¹², a list by 1,000 entries, a text by 20,000 signs. A
bound is far beyond any study that is meant; its reason stands in brackets.
"""
METHOD = "[method](#a-method)"
NAMED = {"Choice": METHOD, "AttackChoice": METHOD}
SOURCE = "Source"
HEADINGS = {
    "defense": "`[[defense]]`",
    "benign": "`[[benign]]`",
    "harm.domain": "`[[harm.domain]]`",
    "attacker.attack": "`[[attacker.attack]]`",
    "task": "`[[task]]`",
    "subject.prepare": "`[[subject.prepare]]`",
}
A_METHOD = """## A method

An attack, a defense, a probe or a judge is written as its name, or as a table of its name and parameters: `"direct"`,
or `{ name = "direct", lr = 1e-4 }`. The parameters of each are on the pages of [attacks](methods/attacks.md),
[defenses](methods/defenses.md), [probes](methods/probes.md) and [judges](methods/judges.md).
"""
SOURCES = """## Every source of rows

`[[benign]]`, `[[harm.domain]]` and `[[task]]` name their data by the same keys.
"""
BOUNDS = {
    "integer": bounds.NUMBERS,
    "number": bounds.NUMBERS,
    "list": bounds.LISTS,
    "tables": bounds.LISTS,
    "text": bounds.NAMES,
}
"""By a word of a type where its bounds are."""
SPLITS = {
    "prepare": "rows that the preparation of the model is fed",
    "defend": "rows that the defense is fed",
    "attack": "rows that attacks train on; of `[[benign]]` those that attacks on harmless rows are fed",
    "sham": "harmless rows that the shams train on, in the place of harmful ones",
    "select": "what something is chosen by: searched attacks, directions of edits, rates, defenses by `titer tune`",
    "probe": 'harmful prompts that the verdict asks; with `harm.items = "own"` so many for each seed',
    "over_refusal": "harmless prompts that may look harmful: stability asks that they are not refused more often",
    "usable": "harmless prompts by which usability sees whether a model is of use",
    "train": "rows of a task that trainability trains on",
    "verdict": 'items of a task that the verdict asks; with `items = "own"` so many for each seed',
    "spare": "cut first and not used: what a trial of `titer tune` leaves for its study",
    "spare_attack": "the same, cut before the rows of the attack",
}
"""What each split is for."""


class Key(NamedTuple):
    """One key: its dotted path, where the example is looked up, and its schema."""

    path: str
    schema: Schema
    required: bool


@cache
def schema() -> Schema:
    """The schema of a protocol."""
    return Protocol.model_json_schema()


def tables() -> Iterator[tuple[str, str]]:
    """Every table of a protocol by its path, with the record that it is; methods are none, and sources come apart."""
    pending = [(name, own) for name, own in _records(schema())]
    while pending:
        path, record = pending.pop(0)
        yield path, record
        pending[:0] = [(f"{path}.{name}", own) for name, own in _records(schema()["$defs"][record])]


def _records(of: Schema) -> Iterator[tuple[str, str]]:
    for name, own in of["properties"].items():
        found = reference(own)
        if found is not None and (found not in NAMED or name == "attack" and found == "AttackChoice"):
            yield name, found


def keys_of(path: str, record: str) -> Iterator[Key]:
    """The keys of one table; those of every source are left out."""
    found = schema()["$defs"][record]
    left_out = Source.model_fields if path in PLACES_OF_SOURCES else {}
    for name, own in found["properties"].items():
        if name not in left_out:
            yield Key(f"{path}.{name}", own, name in found.get("required", ()))


def keys_of_sources() -> Iterator[Key]:
    """The keys by which every source is named."""
    found = Source.model_json_schema()
    for name, own in found["properties"].items():
        yield Key(f"SOURCE.{name}", own, name in found["required"])


def keys() -> Iterator[Key]:
    """Every key of a protocol."""
    for path, record in tables():
        yield from keys_of(path, record)
    yield from keys_of_sources()


def meaning(own: Schema) -> str:
    """What a key means; the schema leaves it out where the record that it is says just that."""
    return str(own["description"] if "description" in own else schema()["$defs"][reference(own)]["description"])


def page() -> str:
    """The whole page."""
    return "\n".join([INTRO, *_overview(), *_all_tables(), SOURCES, *_entries(keys_of_sources()), *_splits(), A_METHOD])


def _overview() -> Iterator[str]:
    yield row("table", "what it says")
    yield row("---", "---")
    for name, own in schema()["properties"].items():
        yield row(HEADINGS.get(name, f"`[{name}]`"), meaning(own))
    yield ""


def _all_tables() -> Iterator[str]:
    for path, record in tables():
        yield f"## {HEADINGS.get(path, f'`[{path}]`')}\n"
        yield schema()["$defs"][record]["description"] + "\n"
        yield from _entries(keys_of(path, record))
        if path in PLACES_OF_SOURCES:
            yield "Besides: the keys of [every source of rows](#every-source-of-rows).\n"


def _entries(found: Iterator[Key]) -> Iterator[str]:
    for key in found:
        yield f"### `{key.path.removeprefix('SOURCE.')}`\n"
        default = "required" if key.required else _default(key.schema.get("default", {}))
        yield f"{kind(key.schema, NAMED)}; {'; '.join([default, *_limits(key)])}\n{{ .key }}\n"
        yield meaning(key.schema) + "\n"
        if line := example(key.path, key.schema.get("default")):
            yield f"```toml\n{line}\n```\n"


def _default(value: Any) -> str:
    return "not set by default" if value is None else f"default `{toml(plainly(value))}`"


def plainly(value: Any) -> Any:
    """A value as one would write it: a method without parameters by its name, keys without a value left out."""
    if isinstance(value, Mapping):
        if value.keys() == {"name", "parameters"} and not value["parameters"]:
            return value["name"]
        return {key: plainly(own) for key, own in value.items() if own is not None}
    return value


def _limits(key: Key) -> Iterator[str]:
    yield from limits(key.schema)
    said, names = kind(key.schema, NAMED), tuple(key.path.split("."))
    for word, table in BOUNDS.items():
        bound = bounds.bound_of(table, names) if word in said else None
        if bound is not None:
            least = f"{bound.least:g} to " if bound.least > float("-inf") else "at most "
            yield f"{least}{bound.most:,} ({bound.reason})"


def _splits() -> Iterator[str]:
    yield "## Splits\n"
    yield "The keys of `splits` name splits, their values are sizes in groups. Splits of a source share no group.\n"
    yield row("split", "in", "what it is for")
    yield row("---", "---", "---")
    for name, what in SPLITS.items():
        users = [place for place in PLACES_OF_SOURCES if name in names_of_splits(place)]
        yield row(f"`{name}`", ", ".join(f"`[[{place}]]`" for place in users), what)
    yield ""


def names_of_splits(place: str) -> list[str]:
    """The splits that a source at this place may have."""
    record = dict(tables())[place]
    splits = schema()["$defs"][record]["properties"]["splits"]
    return list(splits["propertyNames"]["enum"])
