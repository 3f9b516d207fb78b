"""Two trainings of one subject, one after the other, counted as one: the second begins with what the first left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from titer.models.subject import Subject
from titer.records import Row
from titer.seeds import derive
from titer.training.loop import Recipe, train
from titer.training.recipe import LoRA, Training
from titer.training.sft import SFT
from titer.training.types import Material, State, Step


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What one stage trains on, and what its loss is called among the terms of a step."""

    rows: tuple[Row, ...]
    term: str


@dataclass(frozen=True, kw_only=True)
class Turn:
    """When the second stage begins, and what it takes over.

    Attributes:
        switch: the optimizer steps of the first stage.
        keep_optimizer: whether the optimizer goes on with its moments, else it begins anew.
        merge: whether an adapter is merged and a fresh one trained; else the same adapter goes on.
    """

    switch: int
    keep_optimizer: bool
    merge: bool


def train_in_stages(
    subject: Subject,
    material: Material,
    training: Training,
    stages: tuple[Stage, Stage],
    turn: Turn,
    *,
    horizon: int,
    seed: int,
) -> Iterator[Step]:
    """Train `subject` on the rows of the first stage, then of the second, up to `horizon` steps in all.

    Each stage goes through the schedule, and through its rows, from their beginning. The first one is a training of
    its own with `seed`, bit for bit; the second draws from `derive(seed, "second stage")`. Doses, costs and rows are
    counted over both.
    """
    first, second = (_recipe(training, stage) for stage in stages)
    fresh = isinstance(training.trainable, LoRA) and turn.merge
    own = replace(material, train=stages[0].rows)
    carry: State | None = None
    with closing(train(subject, own, first, steps=min(turn.switch, horizon), seed=seed)) as running:
        for step in running:
            yield replace(step, state=None)
            if step.dose == turn.switch < horizon:
                carry = _carried(step, training, turn)
                if not fresh:
                    break  # an adapter is dropped, and put on again from what is carried
    if carry is None:
        return
    own, steps = replace(material, train=stages[1].rows), horizon - turn.switch
    for step in train(subject, own, second, steps=steps, seed=derive(seed, "second stage"), carry=carry):
        yield replace(step, dose=turn.switch + step.dose, state=None)


def _recipe(training: Training, stage: Stage) -> Recipe:
    objective = SFT(rows={"train": training.rows_per_step}, batch=training.batch, term=stage.term)
    return Recipe(objective=objective, training=training)


def _carried(step: Step, training: Training, turn: Turn) -> State:
    """What the second stage resumes from, as if it stood before its first step; weights that stay need no copy."""
    assert step.state is not None
    kinds = {"ledger"}
    if turn.keep_optimizer:
        kinds.add("optimizer")
    if isinstance(training.trainable, LoRA) and not turn.merge:
        kinds.add("weights")
    tensors = step.state().tensors
    return State(step=0, tensors={name: own for name, own in tensors.items() if name.partition("/")[0] in kinds})
