"""The power of what is shown by tasks: stability by enumeration, trainability by simulation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from titer.analysis.power_statement import ENOUGH, PowerStatement
from titer.data.probe_items import MOST_POOLED
from titer.protocol.condition_configs import StabilityConfig, TrainabilityConfig
from titer.protocol.schema import Protocol
from titer.seeds import derive
from titer.stats import power, replicates
from titer.stats.binomial import intact_cutoff
from titer.stats.rate_law import ITEM_SD, SEED_SD, RateLaw
from titer.stats.replicates import Levels
from titer.stats.tango import ENUMERATED_ITEMS
from titer.stats.training_power import TrainingPower, power_trainable

ALL_RATES = "stability, all rates"
CHANGING = (0.01, 0.03)
"""Shares of a task's items that change, as many for the better as for the worse."""
STEP_RATIOS = (1.0, 1.2, 1.4)
"""Median ratios of the defended subject's steps to the undefended one's until the target of a benign task."""
STEP_SPREAD = 0.2
"""Standard deviation of the logarithm of that ratio over seeds."""
FINAL_RATE = 0.9
"""Rate of either subject at the end of a benign training, over seeds and items."""


def stability(protocol: Protocol) -> Iterator[PowerStatement]:
    """Each task that decides, by enumeration of its exact test; all rates together, and the models of a method."""
    if protocol.stability is None or not protocol.defended:
        return
    tasks, made = _stability_tasks(protocol), _made(protocol)
    level = protocol.alpha if made is None else made.intact_level
    for name, (kind, items) in tasks.items():
        if kind == "loss":
            yield from _losses(name, items, protocol.stability, level)
            continue
        for changing in CHANGING:
            yield _noninferior(name, (items,), changing, protocol.stability.margin, level)
    rates = tuple(items for kind, items in tasks.values() if kind == "rate")
    for changing in CHANGING:
        whole = _noninferior(ALL_RATES, rates, changing, protocol.stability.margin, level)
        yield whole.model_copy(update={"easiest": made is None and changing == CHANGING[0]})
        if made is not None:
            yield _of_method(whole, made)


def _made(protocol: Protocol) -> Levels | None:
    """The levels of the models that a method makes, which are all asked the same items; None for a checkpoint."""
    study = protocol.study
    if study.claim != "this method":
        return None
    make = replicates.descriptive_levels if study.descriptive else replicates.levels
    return make(replicates=study.seeds.attack, share=study.share, alpha=protocol.alpha, decisions=1)


def _noninferior(name: str, items: tuple[int, ...], changing: float, margin: float, level: float) -> PowerStatement:
    """That tasks of so many items are all shown non-inferior; one task, or all of them."""
    powers = [
        power.power_noninferior(min(n, ENUMERATED_ITEMS), margin=margin, level=level, changing=changing) for n in items
    ]
    notes = ["tasks change independently, as many items for the better as for the worse"]
    if max(items) > ENUMERATED_ITEMS:
        notes.append(f"more than {ENUMERATED_ITEMS} items of a task count as {ENUMERATED_ITEMS}")
    each = ENOUGH ** (1 / len(items))
    return PowerStatement(
        about=name, claim="not inferior", assumption="share changed", assumed=changing,
        items=None if len(items) > 1 else items[0], power=math.prod(powers),
        enough=power.items_for_noninferior(margin=margin, level=level, changing=changing, power=each),
        notes=tuple(notes),
    )  # fmt: skip


def _losses(name: str, items: int, plan: StabilityConfig, level: float) -> Iterator[PowerStatement]:
    """That few items of a task get worse, by the exact limit of their share."""
    for worse in (plan.share / 4, plan.share / 2):
        yield PowerStatement(
            about=name, claim="few items get worse", assumption="share that does", assumed=worse, items=items,
            power=power.power_intact(items, threshold=plan.share, level=level, rate=worse),
            cutoff=intact_cutoff(items, plan.share, level),
            enough=power.items_for_intact(threshold=plan.share, level=level, rate=worse, power=ENOUGH),
        )  # fmt: skip


def _of_method(whole: PowerStatement, made: Levels) -> PowerStatement:
    """That all rates are non-inferior in so many of the models that are made."""
    assert whole.power is not None
    return PowerStatement(
        about=ALL_RATES, claim="upheld", assumption=whole.assumption, assumed=whole.assumed,
        replicates=made.replicates, power=power.power_upheld(made, 1 - whole.power), cutoff=made.r,
        easiest=whole.assumed == CHANGING[0],
        notes=(*whole.notes, "the models that a method makes change independently of each other"),
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
    sets = protocol.probe_sets
    probes = {
        d.name: d.splits["probe"] if sets == 1 else min(MOST_POOLED, sets * d.splits["probe"])
        for d in protocol.harm.domain
    }
    tasks |= {f"refusal of {name}": ("rate", items) for name, items in probes.items()}
    if protocol.stability.over_refusal:
        asked = sum(source.splits.get("over_refusal", 0) for source in protocol.benign)
        tasks["no over-refusal"] = ("rate", asked)
    return {**tasks, "coherence": ("rate", sum(probes.values()))}


def trainability(protocol: Protocol, by_replicate: Levels) -> Iterator[PowerStatement]:
    """A pair of trainings, and all pairs, as the ladder, epsilon, the margin and the items of the tasks have it."""
    plan = protocol.trainability
    if plan is None or not protocol.defended:
        return
    tasks = [protocol.task_named(name) for name in plan.tasks]
    items = [task.splits["verdict"] for task in tasks if task.kind != "loss"]
    for ratio in STEP_RATIOS:
        of_task = power.dose_holds(plan.ladder, epsilon=plan.epsilon, ratio=ratio, sd_log=STEP_SPREAD)
        found = None
        if of_task is not None:
            in_time, rng = of_task ** len(tasks), np.random.default_rng(derive(0, "foresight"))
            law = RateLaw(rate=FINAL_RATE)
            found = power_trainable(by_replicate, items, in_time=in_time, margin=plan.margin, law=law, rng=rng)
        yield from _trainable(plan, by_replicate, ratio, found, losses=len(tasks) - len(items))


def _trainable(
    plan: TrainabilityConfig, by_replicate: Levels, ratio: float, found: TrainingPower | None, *, losses: int
) -> Iterator[PowerStatement]:
    """That a pair learns every task in time and as well, and that the pairs uphold it."""
    if found is None:
        notes = [
            f"the ladder of trainability ends before {1 + plan.epsilon:g} times its second dose: nothing is foreseen"
        ]
    else:
        notes = [
            f"the logarithm of the ratio of steps to the target spreads by {STEP_SPREAD:g} over seeds",
            f"both subjects end at {FINAL_RATE:g}, and seeds spread by {SEED_SD:g}, items by {ITEM_SD:g} logits",
        ]
        notes += ["losses end where the undefended subject does"] * bool(losses)
    yield PowerStatement(
        about="trainability", claim="holds in a replicate", assumption="ratio of steps", assumed=ratio,
        power=None if found is None else found.holds, notes=tuple(notes),
    )  # fmt: skip
    yield PowerStatement(
        about="trainability", claim="upheld", assumption="ratio of steps", assumed=ratio,
        replicates=by_replicate.replicates, power=None if found is None else found.upheld, cutoff=by_replicate.r,
        easiest=ratio == STEP_RATIOS[0], notes=tuple(notes),
    )  # fmt: skip
