"""The power of what is shown by tasks: stability by enumeration, final rates of trainability by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from titer.analysis.power_statement import ENOUGH, PowerStatement
from titer.protocol.schema import Protocol, TrainabilityConfig
from titer.seeds import derive
from titer.stats import power
from titer.stats.replicates import Levels
from titer.stats.tango import ENUMERATED_ITEMS

CHANGING = (0.01, 0.03)
"""Shares of a task's items that change, as many for the better as for the worse."""
STEP_RATIOS = (1.0, 1.2, 1.4)
"""Median ratios of the defended subject's steps to the undefended one's until the target of a benign task."""
STEP_SPREAD = 0.2
"""Standard deviation of the logarithm of that ratio over seeds."""
FINAL_RATE, SEED_SPREAD, ITEM_SPREAD = 0.8, 0.2, 1.0
"""Rate at the end of a benign training, and the standard deviations of seeds and items, in logits."""


def stability(protocol: Protocol) -> Iterator[PowerStatement]:
    """Each task that decides, by enumeration of its exact test, and all those that are asked for a rate."""
    if protocol.stability is None or not protocol.defended:
        return
    margin, tasks = protocol.stability.margin, _stability_tasks(protocol)
    for name, (kind, items) in tasks.items():
        for changing in CHANGING if kind == "rate" else ():
            yield _noninferior(name, (items,), changing, margin, protocol)
        if kind == "loss":
            yield PowerStatement(
                about=name, claim="not inferior", assumption="unknown spread of losses", assumed=None, power=None,
                items=items,
            )  # fmt: skip
    rates = tuple(items for kind, items in tasks.values() if kind == "rate")
    for changing in CHANGING:
        yield _noninferior("stability, all rates", rates, changing, margin, protocol)


def _noninferior(
    name: str, items: tuple[int, ...], changing: float, margin: float, protocol: Protocol
) -> PowerStatement:
    """That tasks of so many items are all shown non-inferior; one task, or all of them."""
    alpha, whole = protocol.alpha, len(items) > 1
    powers = [
        power.power_noninferior(min(n, ENUMERATED_ITEMS), margin=margin, level=alpha, changing=changing) for n in items
    ]
    notes = ["tasks change independently, as many items for the better as for the worse"]
    if max(items) > ENUMERATED_ITEMS:
        notes.append(f"more than {ENUMERATED_ITEMS} items of a task count as {ENUMERATED_ITEMS}")
    if protocol.study.claim == "this method":
        notes.append("stability is foreseen as for one defense seed; several show more where all are alike")
    each = ENOUGH ** (1 / len(items))
    return PowerStatement(
        about=name, claim="not inferior", assumption="share changed", assumed=changing,
        items=None if whole else items[0], power=math.prod(powers),
        enough=power.items_for_noninferior(margin=margin, level=alpha, changing=changing, power=each),
        easiest=whole and changing == CHANGING[0], notes=tuple(notes),
    )  # fmt: skip


def _stability_tasks(protocol: Protocol) -> dict[str, tuple[str, int]]:
    """What is asked at dose 0 and decides, by its name in the finding: `rate` or `loss`, and the number of items."""
    assert protocol.stability is not None
    named = [protocol.task_named(name) for name in protocol.stability.tasks]
    tasks = {
        task.name: ("loss" if task.kind == "loss" else "rate", task.splits["verdict"])
        for task in named
        if not task.descriptive
    }
    probes = {domain.name: domain.splits["probe"] for domain in protocol.harm.domain}
    tasks |= {f"refusal of {name}": ("rate", items) for name, items in probes.items()}
    if protocol.stability.over_refusal:
        asked = sum(source.splits.get("over_refusal", 0) for source in protocol.benign)
        tasks["no over-refusal"] = ("rate", asked)
    return {**tasks, "coherence": ("rate", sum(probes.values()))}


def trainability(protocol: Protocol, by_replicate: Levels) -> Iterator[PowerStatement]:
    """A replicate, all replicates and the final rates, as the ladder, epsilon and the items of the tasks have it."""
    plan = protocol.trainability
    if plan is None or not protocol.defended:
        return
    for ratio in STEP_RATIOS:
        yield from _steps(plan, by_replicate, ratio)
    for name in plan.tasks:
        yield _final_rate(name, protocol.task_named(name).splits["verdict"], plan.margin, protocol)


def _steps(plan: TrainabilityConfig, by_replicate: Levels, ratio: float) -> Iterator[PowerStatement]:
    """That a replicate learns every task in time, and that the replicates uphold it."""
    of_task = power.dose_holds(plan.ladder, epsilon=plan.epsilon, ratio=ratio, sd_log=STEP_SPREAD)
    holds = None if of_task is None else of_task ** len(plan.tasks)
    if holds is None:
        note = f"the ladder of trainability ends before {1 + plan.epsilon:g} times its second dose: nothing is foreseen"
    else:
        note = f"the logarithm of the ratio of steps to the target spreads by {STEP_SPREAD:g} over seeds"
    yield PowerStatement(
        about="trainability", claim="holds in a replicate", assumption="ratio of steps", assumed=ratio,
        power=holds, notes=(note,),
    )  # fmt: skip
    yield PowerStatement(
        about="trainability", claim="steps upheld", assumption="ratio of steps", assumed=ratio,
        replicates=by_replicate.replicates, power=None if holds is None else power.power_upheld(by_replicate, 1 -
        holds), cutoff=by_replicate.r, easiest=ratio == STEP_RATIOS[0], notes=(note,),
    )  # fmt: skip


def _final_rate(name: str, items: int, margin: float, protocol: Protocol) -> PowerStatement:
    """That the final rate of a task is shown non-inferior, by simulation; one seed or one item shows nothing."""
    seeds, shown = protocol.study.seeds.attack, 0.0
    if min(seeds, items) > 1:
        shown = power.power_crossed(
            seeds, items, margin=margin, level=protocol.alpha, rate=FINAL_RATE, seed_sd=SEED_SPREAD,
            item_sd=ITEM_SPREAD, rng=np.random.default_rng(derive(0, "foresight")),
        )  # fmt: skip
    return PowerStatement(
        about=name, claim="final rate not inferior", assumption="loss", assumed=0.0, items=items,
        power=shown, easiest=True,
        notes=(f"the final rate is {FINAL_RATE:g}; seeds spread by {SEED_SPREAD:g}, items by {ITEM_SPREAD:g} logits",),
    )  # fmt: skip
