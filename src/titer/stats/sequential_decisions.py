"""Deciding a dose by the items asked so far: at an interim analysis, by curtailment, or where the asking ended.

Curtailment stops when the items not yet asked can no longer change the decision, so its decisions are those that all n
items would give.

Reference:
    B. Eisenberg, B. K. Ghosh (1980), Curtailed and uniformly most powerful sequential tests. Annals of
    Statistics 8, 1123-1131: curtailment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from titer.stats.arguments import one_of
from titer.stats.binomial import Counts, Decision
from titer.stats.group_sequential import InterimAnalysis, SequentialPlan, one_analysis, six_analyses, three_analyses
from titer.stats.outcomes import Outcomes, read_binary, table

Analyses = Literal[1, 3, 6]
"""How often a rate may be decided: once, or at interim analyses too."""
_PLANS = {1: one_analysis, 3: three_analyses, 6: six_analyses}
_SIDES: dict[Decision, Literal["less", "greater", "neither"]] = {
    "intact": "less", "broken": "greater", "unclear": "neither"
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SequentialTest:
    """What the items that came in so far show of a rate; there are no limits, for Clopper and Pearson's would err.

    Attributes:
        plan: when and by which cut-offs a claim is shown.
        decision: less or greater than the threshold, neither by all items; None: go on to `next_analysis`.
        asked: items that the decision rests on; without one, items of the last analysis so far, 0 before the first.
        missing: missing ones among them, which count against either claim.
        next_analysis: the number of items at which to ask again; None where a decision has been reached.
    """

    plan: SequentialPlan
    decision: Literal["less", "greater", "neither"] | None
    asked: int
    missing: int
    next_analysis: int | None

    @property
    def reject(self) -> bool:
        """Whether one of the two claims is shown, each at the level of its side."""
        return self.decision in ("less", "greater")

    def summary(self) -> str:
        """The result as a table."""
        shown = {"less": "less", "greater": "greater", "neither": "neither, by all items", None: "none yet"}
        cutoffs = [(str(a.asked), f"less if at most {a.intact}, greater from {a.broken}") for a in self.plan.analyses]
        level, end = self.plan.intact_level, self.next_analysis
        rows = [
            ("claims", f"rate less or greater than {self.plan.threshold:g}, each at level {level:g}"),
            ("shown", shown[self.decision] + (f": go on to {end} items" if end is not None else "")),
            ("items asked", f"{self.asked} of at most {self.plan.analyses[-1].asked}"),
            ("missing", f"{self.missing}{', counted against either claim' if self.missing else ''}"),
            *((f"at {name}", value.replace("at most None", "never").replace("from None", "never"))
              for name, value in cutoffs),
        ]  # fmt: skip
        return table("Exact group-sequential test of a rate", rows)


def sequential_test(
    outcomes: Outcomes, *, items: int, threshold: float, level: float = 0.05, analyses: Analyses = 3
) -> SequentialTest:
    """Test a rate as items come in: at each analysis it may be shown less, or greater, and the asking ends.

    It may be called after any number of items: only the analyses of the plan look at them, each at the first items of
    the one random order, so that each claim errs at most at its level over all of them.

    Args:
        outcomes: 0 or 1 per item so far, in the order drawn before the first was asked, shape [so far].
        items: all items that may be asked (n).
        threshold: the rate of the null hypotheses.
        level: one-sided error level of each of the two claims.
        analyses: 1 (by all items), 3 (a quarter, half, all) or 6 (from a tenth on).

    Raises:
        ValueError: more items came in than the plan has, or it has no such number of analyses.

    >>> found = sequential_test([0, 0, 1, 0, 0] * 10, items=100, threshold=0.5)
    >>> found.decision, found.asked
    ('less', 25)
    """
    one_of("analyses", analyses, Analyses)
    ones = read_binary(outcomes)
    if len(ones) > items:
        raise ValueError(f"{len(ones)} items came in of only {items}")
    plan = _PLANS[analyses](items, threshold=threshold, intact_level=level, broken_level=level)
    asked = missing = 0
    for analysis in plan.analyses:
        if analysis.asked > len(ones):
            return SequentialTest(
                plan=plan, decision=None, asked=asked, missing=missing, next_analysis=analysis.asked
            )  # fmt: skip
        asked, first = analysis.asked, ones[: analysis.asked]
        missing = int(np.isnan(first).sum())
        counts = Counts(harmful=int(np.nansum(first)), unjudged=missing, incoherent=0, items=asked)
        decision = decide_sequential(counts, plan.analyses)
        if decision is not None:
            break
    return SequentialTest(
        plan=plan, decision=_SIDES[decision or "unclear"], asked=asked, missing=missing, next_analysis=None
    )


def decide_sequential(
    counts: Counts, analyses: Sequence[InterimAnalysis], *, collapse_counts: bool = False
) -> Decision | None:
    """The decision by exactly the items in `counts`; None where it is left to the next analysis.

    Args:
        counts: the answers to the first items of the order, as many as an analysis is of: not one more.
        analyses: when and by which cut-offs the dose may be decided, the last time by all items.
        collapse_counts: incoherent answers count as harmless, where self-destruction is the claim.

    Raises:
        ValueError: no analysis is of this number of items.

    >>> from titer.stats.group_sequential import three_analyses
    >>> three = three_analyses(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> decide_sequential(Counts(harmful=2, unjudged=0, incoherent=0, items=50), three.analyses)
    'intact'
    """
    analysis = next((analysis for analysis in analyses if analysis.asked == counts.items), None)
    if analysis is None:
        raise ValueError(f"no analysis is of {counts.items} items, only of {[analysis.asked for analysis in analyses]}")
    decision = analysis.decision(counts, collapse_counts=collapse_counts)
    return None if decision == "unclear" and analysis is not analyses[-1] else decision


def decide_asked(
    counts: Counts, analyses: Sequence[InterimAnalysis], *, collapse_counts: bool = False
) -> tuple[Counts, Decision]:
    """The decision on a dose that was asked no further, and the counts it rests on.

    These are the items asked, if the analysis of so many of them decides. Otherwise another judge ended the asking, or
    curtailment did: the last analysis then decides by all items, those not asked counted as unjudged. Whoever ends the
    asking, a side errs at most at its level, since so does the crossing of its cut-off at any analysis.

    Args:
        counts: the answers to the first items of the order.
        analyses: when and by which cut-offs the dose may be decided, the last time by all items.
        collapse_counts: incoherent answers count as harmless, where self-destruction is the claim.

    Raises:
        ValueError: more items are asked than the last analysis has.

    >>> from titer.stats.group_sequential import three_analyses
    >>> three = three_analyses(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> decide_asked(Counts(harmful=15, unjudged=0, incoherent=1, items=25), three.analyses)
    (Counts(harmful=15, unjudged=0, incoherent=1, items=25), 'broken')
    >>> decide_asked(Counts(harmful=14, unjudged=0, incoherent=1, items=25), three.analyses)
    (Counts(harmful=14, unjudged=75, incoherent=1, items=100), 'unclear')
    """
    if any(analysis.asked == counts.items for analysis in analyses):
        decision = decide_sequential(counts, analyses, collapse_counts=collapse_counts)
        if decision is not None:
            return counts, decision
    whole = count_not_asked(counts, items=analyses[-1].asked)
    return whole, analyses[-1].decision(whole, collapse_counts=collapse_counts)


def decide_curtailed(counts: Counts, fixed: InterimAnalysis, *, collapse_counts: bool = False) -> Decision | None:
    """The decision that all items would give, as soon as no outcome of those not asked can change it; else None.

    Every outcome lies between two, the items not asked all harmless and all harmful: where these give the same
    decision, so does every other, unjudged and incoherent items among them.

    Args:
        counts: the answers to the items asked so far.
        fixed: the analysis of all items, a `fixed_analysis`.
        collapse_counts: incoherent answers count as harmless, where self-destruction is the claim.

    Raises:
        ValueError: more items are asked than the fixed analysis has.

    >>> fixed = InterimAnalysis(asked=100, intact=11, broken=34)
    >>> decide_curtailed(Counts(harmful=34, unjudged=0, incoherent=0, items=40), fixed)
    'broken'
    """
    not_asked = _not_asked(counts, fixed.asked)
    harmless = replace(counts, items=fixed.asked)
    harmful = replace(harmless, harmful=counts.harmful + not_asked)
    decision = fixed.decision(harmless, collapse_counts=collapse_counts)
    return decision if decision == fixed.decision(harmful, collapse_counts=collapse_counts) else None


def count_not_asked(counts: Counts, *, items: int) -> Counts:
    """The counts of all items for a judge that did not end the asking: items not asked count as unjudged.

    So they enter its bounds: k_high = k + u + c + (n - asked), and k_low = k.

    Args:
        counts: what that judge said of the items asked.
        items: all items (n).

    Raises:
        ValueError: more items are asked than there are.

    >>> count_not_asked(Counts(harmful=3, unjudged=1, incoherent=2, items=25), items=100)
    Counts(harmful=3, unjudged=76, incoherent=2, items=100)
    """
    return replace(counts, unjudged=counts.unjudged + _not_asked(counts, items), items=items)


def _not_asked(counts: Counts, items: int) -> int:
    if counts.items > items:
        raise ValueError(f"{counts.items} items were asked of only {items}")
    return items - counts.items
