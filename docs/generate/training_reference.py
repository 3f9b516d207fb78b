"""The page of what every training has: learning rate, batch, what is trained, optimizer, schedule, clipping."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from docs.generate.parameters import described, own_parameters, parameter_table, tried
from titer.cli.methods.described import Parameter, parameters
from titer.methods.fine_tuning import FineTuning
from titer.records import Record
from titer.training import recipe

INTRO = """# What every training has

These parameters stand beside the name of every attack and defense that trains. A part is written as a table with its
kind, `trainable = { kind = "lora", rank = 16 }`, or, with its defaults, as the kind alone: `schedule = "cosine"`.
"""
PARTS = {"trainable": recipe.Trainable, "optimizer": recipe.Optimizer, "schedule": recipe.Schedule}


def page() -> str:
    """The whole page."""
    shared = map(_linked, parameters(FineTuning))
    search = f"## Search\n\nA search of a fine-tuning attack tries {tried(FineTuning.space())}.\n"
    parts = chain.from_iterable(map(_part, PARTS))
    return "\n".join([INTRO, *parameter_table(shared), *parts, search])


def _linked(parameter: Parameter) -> Parameter:
    return replace(parameter, type=f"[a part](#{parameter.name})") if parameter.name in PARTS else parameter


def choices(name: str) -> tuple[type[Record], ...]:
    """The records that a part may be."""
    return typing.get_args(typing.get_args(PARTS[name])[0])


def _part(name: str) -> Iterator[str]:
    yield f"## `{name}`\n"
    for choice in choices(name):
        yield f"### `{choice.model_fields['kind'].default}`\n"
        yield described(choice)
        yield from parameter_table((one for one in own_parameters(choice) if one.name != "kind"), described(choice))
