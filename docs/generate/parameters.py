"""The parameters of a method or of a part of a training, as tables, and what a search tries of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping

from docs.generate.schema_words import toml
from docs.generate.tables import cell, row
from titer.cli.methods.described import Parameter, paragraphs, parameters
from titer.methods.fine_tuning import FineTuning
from titer.methods.search_space import LogRange, Options
from titer.records import Record
from titer.training.recipe import Training

SHARED = (FineTuning, Training)
"""What all fine-tuning has, and all training, is told once, on the page of trainings."""
IN_TEXT = "in the text above"


def own_parameters(model: type[Record]) -> Iterator[Parameter]:
    """Those of a record, without what all training has with the same default and meaning."""
    base = next((base for base in SHARED if issubclass(model, base)), None)
    told = () if base is None else parameters(base)
    yield from (one for one in parameters(model) if one not in told)


def parameter_table(found: Iterator[Parameter], text: str = "") -> Iterator[str]:
    """A table of parameters; nothing where there are none.

    Args:
        found: the parameters.
        text: what stands above the table: a meaning that is a sentence of it is not said again.
    """
    rows = [(one, "" if one.meaning in text else one.meaning.removesuffix(".")) for one in found]
    head = ["parameter", "type", "default", *(["meaning"] if any(meaning for _, meaning in rows) else [])]
    if rows:
        yield row(*head)
        yield row(*["---"] * len(head))
        for one, meaning in rows:
            yield row(*map(cell, [f"`{one.name}`", _type(one), _default(one), meaning or IN_TEXT][: len(head)]))
        yield ""


def _type(parameter: Parameter) -> str:
    return re.sub(r'"[^"]*"', r"`\g<0>`", parameter.type)


def _default(parameter: Parameter) -> str:
    if parameter.default is None:
        return "required"
    return parameter.default if parameter.default == "none" else f"`{parameter.default}`"


def text_of(model: type[Record]) -> str:
    """What a record says of itself, on one line: what its table need not say again."""
    return " ".join(paragraphs(model))


def described(thing: type) -> str:
    """The documentation of a class without its examples and its parameters, as Markdown."""
    text = inspect.cleandoc(thing.__doc__ or "").partition("\n>>>")[0]
    text = re.split(r"^(?:Attributes|Args):$", text, flags=re.MULTILINE)[0].strip()
    return re.sub(r"(?<!`)\*(?=[ ,.;)])", r"\*", text) + "\n"


def tried(space: Mapping[str, LogRange | Options]) -> str:
    """What a search tries, in words."""
    return "; ".join(f"`{name}` {_values(values)}" for name, values in space.items())


def _values(values: LogRange | Options) -> str:
    if isinstance(values, LogRange):
        return f"from {values.low:g} to {values.high:g}"
    return "among " + ", ".join(f"`{toml(value)}`" for value in values.values)
