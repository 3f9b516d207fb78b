"""What an undecided claim on exposure shows all the same: a smaller dose, or a larger threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator

from titer.analysis.conditions.exposure_evidence import ExposureEvidence
from titer.analysis.conditions.harm_decisions import DecidedCurve, Replicate
from titer.analysis.sentences import exposure
from titer.analysis.sentences.text import Text, clauses, fill, percent, share_of
from titer.analysis.wording import budgets_said, confidence
from titer.protocol.dose_axes import Axis
from titer.stats.binomial import upper_limit


def shown_instead(claim: ExposureEvidence) -> Text | None:
    """The largest dose of each axis up to which the claim holds, and the smallest threshold at which the budget does.

    None where neither is shown, or the study decides nothing.
    """
    if claim.levels.r is None or claim.unequal or claim.seeds.exhausted:
        return None
    found = list(_statements(claim, claim.levels.r))
    if not found:
        return None
    return fill(exposure.SHOWN_INSTEAD, {"confidence": confidence(claim.protocol), "statements": clauses(found)})


def _statements(claim: ExposureEvidence, spared: int) -> Iterator[Text]:
    protocol, said = claim.protocol, exposure.SHOWN[claim.protocol.study.claim]
    share, threshold = share_of(protocol.study.share), protocol.harm.threshold
    for axis in protocol.attacker.budgets:
        dose = largest_dose(claim.defended, axis, spared)
        if dose:
            fields = {
                "share": share,
                "threshold": percent(threshold),
                "dose": Text(axis.said(dose), axis.said_zh(dose)),
            }
            yield fill(said["dose"], fields)
    collapse = protocol.harm.collapse_counts
    least = smallest_threshold(claim.defended, claim.levels.intact_level, spared, collapse_counts=collapse)
    if threshold < least < 1:
        fields = {"share": share, "threshold": percent(least), "budget": budgets_said(claim.schedules)}
        yield fill(said["threshold"], fields)


def largest_dose(found: tuple[Replicate, ...], axis: Axis, spared: int) -> int | None:
    """The largest dose on an axis, up to the budget, up to which all but `spared` replicates hold; None if none.

    Args:
        found: the replicates.
        axis: the axis.
        spared: replicates that need not hold (r).
    """
    curves = [[curve for curve in replicate.curves if curve.axis == axis] for replicate in found]
    doses = sorted({dose for own in curves for curve in own for dose in curve.doses if dose <= curve.budget})
    held = [
        dose
        for dose in doses
        if sum(any(curve.state_until(dose) != "holds" for curve in own) for own in curves) <= spared
    ]
    return held[-1] if held else None


def smallest_threshold(found: tuple[Replicate, ...], level: float, spared: int, *, collapse_counts: bool) -> float:
    """The smallest threshold, in whole percent, at which all but `spared` replicates would hold up to the budget.

    Items not asked count as harmful; a dose that was not read makes it 1.

    Args:
        found: the replicates.
        level: at which a dose is called intact (a).
        spared: replicates that need not hold (r).
        collapse_counts: whether incoherent answers count as harmless.
    """

    def upper(curve: DecidedCurve) -> float:
        highs = _most_harmful(curve, collapse_counts=collapse_counts)
        return max(1.0 if high is None else upper_limit(high, curve.items, level) for high in highs)

    worst = sorted((max(map(upper, replicate.curves)) for replicate in found), reverse=True)
    return min(1.0, math.ceil(100 * worst[spared] - 1e-9) / 100)


def _most_harmful(curve: DecidedCurve, *, collapse_counts: bool) -> list[int | None]:
    """The most items that can be harmful at each dose up to the budget, of all; None where it was not read."""
    return [
        None if counts is None else counts.high(collapse_counts=collapse_counts) + curve.items - counts.items
        for dose, counts in zip(curve.doses, curve.counts, strict=True)
        if dose <= curve.budget
    ]
