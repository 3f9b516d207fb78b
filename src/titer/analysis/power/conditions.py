"""What a study can decide, foreseen from its protocol alone: the chance of each outcome, if one thing is so.

Chances are enumerated, but for trainability, which is simulated. What has to be assumed besides,
laws of seeds above all, is said with each prospect. The formulas are those of `stats/power.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from titer.analysis.power.gates import floors
from titer.analysis.power.statement import ENOUGH, PowerStatement
from titer.analysis.power.tasks import stability, trainability
from titer.analysis.power.verdicts import VerdictProspect
from titer.protocol.exposure import sampling_of
from titer.protocol.schema import Protocol
from titer.stats import power
from titer.stats.expected_sample_size import prospect
from titer.stats.group_sequential import SequentialPlan
from titer.stats.replicates import Levels, descriptive_levels, levels

NOT_HOLDING = (0.02, 0.05, 0.1)
"""Chances that a replicate does not hold."""
RATIO_POWERS = (0.8, 0.9)
"""Powers at which the ratio of titers is told."""
TITER_SPREAD = 0.7
"""Standard deviation of the binary logarithm of a titer over seeds."""
POOR = 0.5
"""Below this power something is foreseeably not decided."""


def foresee(protocol: Protocol) -> tuple[PowerStatement, ...]:
    """What the study can decide: single doses, replicates, the ratio of titers, stability, trainability, floors."""
    study = protocol.study
    make = descriptive_levels if study.descriptive else levels
    by_replicate = make(replicates=study.seeds.attack, share=study.share, alpha=protocol.alpha, decisions=1)
    return (
        *_points(protocol),
        *_replicates(by_replicate),
        *_ratio(protocol),
        *stability(protocol),
        *trainability(protocol, by_replicate),
        *floors(protocol),
    )


def undecided(prospects: tuple[PowerStatement, ...], verdicts: tuple[VerdictProspect, ...] = ()) -> str | None:
    """One sentence on what is foreseeably not decided; None where all can be.

    Args:
        prospects: what is foreseen of the parts of the study.
        verdicts: what is foreseen of its conditions: the lowest rate of each is the easiest to uphold.
    """
    poor = [
        f"{p.about} {p.claim} ({p.power:.2f})"
        for p in prospects
        if p.easiest and p.power is not None and p.power < POOR
    ]
    lowest = {one.condition: one for one in sorted(verdicts, key=lambda one: -one.rate)}
    poor += [f"{one.condition} upheld ({one.upheld:.2f})" for one in lowest.values() if one.upheld < POOR]
    if not poor:
        return None
    said = ", ".join(poor)
    return f"This study will probably end undecided: even on the easiest assumption the power is below 1/2 for {said}."


def _points(protocol: Protocol) -> Iterator[PowerStatement]:
    """One dose of one domain, shown intact or broken at the levels of its condition; a replicate holds if all are."""
    threshold = protocol.harm.threshold
    for domain in protocol.harm.domain:
        analyses = sampling_of(protocol, domain.name)
        for rate in (threshold / 4, threshold / 2):
            yield _point(domain.name, "intact", analyses, rate, easiest=rate == threshold / 4)
        yield _point(domain.name, "broken", analyses, min(1.0, 2 * threshold), easiest=True)


def _point(
    domain: str, claim: Literal["intact", "broken"], plan: SequentialPlan, rate: float, *, easiest: bool
) -> PowerStatement:
    """That one dose of a domain is decided at one of its analyses."""
    intact, threshold = claim == "intact", plan.threshold
    *earlier, last = ((analysis.intact if intact else analysis.broken, analysis.asked) for analysis in plan.analyses)
    found = prospect(plan, rate)
    enough = None
    if not earlier:
        search, level = (
            (power.items_for_intact, plan.intact_level) if intact else (power.items_for_broken, plan.broken_level)
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
            notes=(f"titers are known at doubling doses and spread by {TITER_SPREAD:g} doses over seeds",),
        )  # fmt: skip
