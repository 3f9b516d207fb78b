"""The page of what every training has: learning rate, batch, what is trained, optimizer, schedule, clipping."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from itertools import chain

from docs.generate.parameters import described, parameter_table, parameters, shared_parameters, tried
from titer.methods.fine_tuning import FineTuning
from titer.records import Record
from titer.training import recipe

INTRO = """# What every training has

These parameters stand beside the name of every attack and defense that trains. A part is written as a table with its
kind, `trainable = { kind = "lora", rank = 16 }`, or, with its defaults, as the kind alone: `schedule = "cosine"`.
"""
PARTS = {"trainable": recipe.Trainable, "optimizer": recipe.Optimizer, "schedule": recipe.Schedule}
MEANINGS = {
    "lr": "the learning rate, at its peak",
    "batch": "rows that go through the model at once",
    "accumulation": "batches that make one step",
    "trainable": "every weight, or an adapter",
    "optimizer": "what follows the gradient",
    "schedule": "how the learning rate goes along the steps",
    "clip": "the largest norm of the whole gradient; none leaves it",
    "template": "of attacks: what the model is trained and then asked in; none for that of the study",
}


def page() -> str:
    """The whole page."""
    shared = (one._replace(kind=f"[a part](#{one.name})") if one.name in PARTS else one for one in shared_parameters())
    search = f"## Search\n\nA search of a fine-tuning attack tries {tried(FineTuning.space())}.\n"
    parts = chain.from_iterable(map(_part, PARTS))
    return "\n".join([INTRO, *parameter_table(shared, MEANINGS), *parts, search])


def choices(name: str) -> tuple[type[Record], ...]:
    """The records that a part may be."""
    return typing.get_args(typing.get_args(PARTS[name])[0])


def _part(name: str) -> Iterator[str]:
    yield f"## `{name}`\n"
    for choice in choices(name):
        yield f"### `{choice.model_fields['kind'].default}`\n"
        yield described(choice)
        yield from parameter_table(one for one in parameters(choice) if one.name != "kind")
