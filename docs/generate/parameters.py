"""The parameters of a method or of a part of a training, as tables, and what a search tries of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from docs.generate.schema_words import Schema, kind, limits, toml
from docs.generate.tables import cell, row
from titer.methods.fine_tuning import FineTuning
from titer.methods.search_space import LogRange, Options
from titer.records import Record
from titer.training.recipe import Training

SHARED = (FineTuning, Training)
"""What all fine-tuning has, and all training, is told once, on the page of trainings."""


class Parameter(NamedTuple):
    """One parameter, in words."""

    name: str
    kind: str
    default: str


def parameters(model: type[Record]) -> Iterator[Parameter]:
    """Those of a record, without what all training has with the same default."""
    base = next((base for base in SHARED if issubclass(model, base)), None)
    told = {} if base is None else base.model_json_schema()["properties"]
    found = model.model_json_schema()
    for name, own in found.get("properties", {}).items():
        if own != told.get(name):
            yield _said(name, own, required=name in found.get("required", ()))


def shared_parameters() -> Iterator[Parameter]:
    """Those that all fine-tuning has."""
    for name, own in FineTuning.model_json_schema()["properties"].items():
        yield _said(name, own, required=False)


def parameter_table(found: Iterator[Parameter], meanings: Mapping[str, str] | None = None) -> Iterator[str]:
    """A table of parameters; nothing where there are none."""
    rows = [row(f"`{one.name}`", one.kind, one.default, *([meanings[one.name]] if meanings else [])) for one in found]
    if rows:
        head = ["parameter", "type", "default", *(["meaning"] if meanings else [])]
        yield row(*head)
        yield row(*["---"] * len(head))
        yield from rows
        yield ""


def _said(name: str, own: Schema, *, required: bool) -> Parameter:
    value = own.get("default")
    default = "required" if required else "none" if value is None else f"`{toml(_short(value))}`"
    return Parameter(name, cell("; ".join([kind(own, {}), *limits(own)])), default)


def _short(value: Any) -> Any:
    """A part with a kind of its own is named by it."""
    return value["kind"] if isinstance(value, Mapping) and "kind" in value else value


def described(thing: type) -> str:
    """The documentation of a class without its examples, as Markdown; its sections of names become lists."""
    text = inspect.cleandoc(thing.__doc__ or "").partition("\n>>>")[0].strip()
    text = re.sub(r"(?<!`)\*(?=[ ,.;)])", r"\*", text)
    before, _, section = re.sub(r"^Attributes:$", "Args:", text, flags=re.MULTILINE).partition("Args:\n")
    return before + re.sub(r"^    (\w+): ", r"- `\1`: ", section, flags=re.MULTILINE) + "\n"


def tried(space: Mapping[str, LogRange | Options]) -> str:
    """What a search tries, in words."""
    return "; ".join(f"`{name}` {_values(values)}" for name, values in space.items())


def _values(values: LogRange | Options) -> str:
    if isinstance(values, LogRange):
        return f"from {values.low:g} to {values.high:g}"
    return "among " + ", ".join(f"`{toml(value)}`" for value in values.values)
