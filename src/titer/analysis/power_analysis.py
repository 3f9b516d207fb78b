"""What a study can decide, foreseen from its protocol alone: the chance of each word, if one thing is so.

Chances are enumerated, but for the final rate of trainability, which is simulated. What has to be assumed besides,
laws of seeds above all, is said with each prospect. The formulas are those of `stats/power.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np

from titer.analysis.conditions.harm_readings import condition_of, sampling_of
from titer.protocol.schema import Protocol, TrainabilityConfig
from titer.records import Record
from titer.seeds import derive
from titer.stats import power
from titer.stats.expected_sample_size import prospect
from titer.stats.group_sequential import SequentialPlan
from titer.stats.replicates import Levels, levels
from titer.stats.tango import ENUMERATED_ITEMS

NOT_HOLDING = (0.02, 0.05, 0.1)
"""Chances that a replicate does not hold."""
RATIO_POWERS = (0.8, 0.9)
"""Powers at which the ratio of titers is told."""
TITER_SPREAD = 0.7
"""Standard deviation of the binary logarithm of a titer over seeds."""
CHANGING = (0.01, 0.03)
"""Shares of a task's items that change, as many for the better as for the worse."""
STEP_RATIOS = (1.0, 1.2, 1.4)
"""Median ratios of M*'s steps to M's until the target of a benign task."""
STEP_SPREAD = 0.2
"""Standard deviation of the logarithm of that ratio over seeds."""
FINAL_RATE, SEED_SPREAD, ITEM_SPREAD = 0.8, 0.2, 1.0
"""Rate at the end of a benign training, and the standard deviations of seeds and items, in logits."""
ENOUGH = 0.9
"""The power that `Prospect.enough` items have."""
POOR = 0.5
"""Below this power something is foreseeably not decided."""


class PowerStatement(Record):
    """The chance that a study shows one thing, if one thing is so.

    Attributes:
        about: a domain, a task, the replicates, the titers, trainability, or all tasks of stability that are rates.
        claim: what is shown of it.
        assumption: what is assumed: the harm rate at a dose, the chance of a replicate not to hold, the true ratio of
            titers, the share of items that change, the median ratio of steps to the target, the loss of final rate.
        assumed: its value; None where the words say it all.
        power: the chance that the claim is shown; None where nothing can be foreseen.
        items: the items it is read from; None where there are none, or several numbers of them.
        replicates: the replicates it is read from; None where it is about items, or about one replicate.
        cutoff: the count among them that shows it: harmful items at most for intact and at least for broken, replicates
            that do not hold at most for upheld; None where no count shows it, or no single count decides.
        earlier: pairs (cut-off, items) of the looks before, which show it from fewer items; none of a look where no
            count shows it.
        enough: the number of items, of each task for all rates, from which the power stays at 0.9 or above; None
            where it is not searched for, as where there are looks, or beyond the search.
        easiest: whether this is the easiest assumption of a word of the verdict.
        notes: what is assumed besides.
    """

    about: str
    claim: str
    assumption: str
    assumed: float | None
    power: float | None
    items: int | None = None
    replicates: int | None = None
    cutoff: int | None = None
    earlier: tuple[tuple[int, int], ...] = ()
    enough: int | None = None
    easiest: bool = False
    notes: tuple[str, ...] = ()


def foresee(protocol: Protocol) -> tuple[PowerStatement, ...]:
    """What the study can decide: single doses, replicates, the ratio of titers, stability, trainability."""
    study = protocol.study
    by_replicate = levels(replicates=study.seeds.attack, share=study.share, alpha=protocol.alpha, decisions=1)
    return (
        *_points(protocol),
        *_replicates(by_replicate),
        *_ratio(protocol),
        *_stability(protocol),
        *_trainability(protocol, by_replicate),
    )


def undecided(prospects: tuple[PowerStatement, ...]) -> str | None:
    """One sentence on what is foreseeably not decided; None where all can be."""
    poor = [p for p in prospects if p.easiest and p.power is not None and p.power < POOR]
    if not poor:
        return None
    said = ", ".join(f"{p.about} {p.claim} ({p.power:.2f})" for p in poor)
    return f"This study will probably end undecided: even on the easiest assumption the power is below 1/2 for {said}."


def _points(protocol: Protocol) -> Iterator[PowerStatement]:
    """One dose of one domain, read intact or broken at the levels of its condition; a replicate holds if all are."""
    threshold = protocol.harm.threshold
    for domain in protocol.harm.domain:
        analyses = sampling_of(protocol, condition_of(protocol, domain.name), domain.name)
        for rate in (threshold / 4, threshold / 2):
            yield _point(domain.name, "intact", analyses, rate, easiest=rate == threshold / 4)
        yield _point(domain.name, "broken", analyses, min(1.0, 2 * threshold), easiest=True)


def _point(
    domain: str, claim: Literal["intact", "broken"], analyses: SequentialPlan, rate: float, *, easiest: bool
) -> PowerStatement:
    """That one dose of a domain gets its word at one of its looks."""
    intact, threshold = claim == "intact", analyses.threshold
    *earlier, last = (
        (analysis.intact if intact else analysis.broken, analysis.asked) for analysis in analyses.analyses
    )
    found = prospect(analyses, rate)
    enough = None
    if not earlier:
        search, level = (
            (power.items_for_intact, analyses.intact_level)
            if intact
            else (power.items_for_broken, analyses.broken_level)
        )
        enough = search(threshold=threshold, level=level, rate=rate, power=ENOUGH)
    return PowerStatement(
        about=domain, claim=claim, assumption="harm rate", assumed=rate, items=last[1],
        power=found.intact if intact else found.broken, cutoff=last[0],
        earlier=tuple((cutoff, items) for cutoff, items in earlier if cutoff is not None),
        enough=enough, easiest=easiest,
    )  # fmt: skip


def _replicates(by_replicate: Levels) -> Iterator[PowerStatement]:
    """The replicate rule, which resistance, generalization and the steps of trainability share."""
    for chance in NOT_HOLDING:
        yield PowerStatement(
            about="replicates", claim="upheld", assumption="chance not to hold", assumed=chance,
            replicates=by_replicate.replicates, power=power.power_upheld(by_replicate, chance), cutoff=by_replicate.r,
            easiest=chance == NOT_HOLDING[0],
        )  # fmt: skip


def _ratio(protocol: Protocol) -> Iterator[PowerStatement]:
    """The ratio of titers that is shown above 1, where there are two subjects and replicates enough for a median."""
    pairs = protocol.study.seeds.attack
    median = levels(replicates=pairs, share=0.5, alpha=protocol.alpha, decisions=1)
    if median.r is None or not (protocol.defended or protocol.subject.reference):
        return
    for wanted in RATIO_POWERS:
        ratio = power.detectable_ratio(pairs, power=wanted, spared=median.r, sd_log2=TITER_SPREAD)
        yield PowerStatement(
            about="titers", claim="ratio shown above 1", assumption="ratio of titers", assumed=ratio,
            power=wanted, replicates=pairs,
            notes=(f"titers are read at doubling doses and spread by {TITER_SPREAD:g} doses over seeds",),
        )  # fmt: skip


def _stability(protocol: Protocol) -> Iterator[PowerStatement]:
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


def _trainability(protocol: Protocol, by_replicate: Levels) -> Iterator[PowerStatement]:
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
