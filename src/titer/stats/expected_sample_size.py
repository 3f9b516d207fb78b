"""What to expect of a dose that may be decided by fewer items: decisions, errors, items asked; all exact.

Reference:
    J. R. Schultz, F. R. Nichol, G. L. Elfring, S. D. Weed (1973), Multiple-stage procedures for drug screening.
    Biometrics 29, 293-300: the exact recursion over analyses.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from titer.stats.binomial import Counts, Decision
from titer.stats.group_sequential import InterimAnalysis, SequentialPlan, law_after
from titer.stats.sequential_decisions import decide_curtailed, decide_sequential


class Errors(NamedTuple):
    """P(intact) and P(broken) under f = threshold, each as if the other side never stopped."""

    intact: float
    broken: float


@dataclass(frozen=True, kw_only=True)
class SamplingProspect:
    """What to expect of a dose at some f, if every answer is judged and coherent.

    Attributes:
        intact: P(intact), the power where f is below the threshold.
        broken: P(broken), the power where f is above it.
        unclear: P(unclear).
        asked: expected number of items asked.
    """

    intact: float
    broken: float
    unclear: float
    asked: float


def errors(plan: SequentialPlan) -> Errors:
    """The exact error of each side under f = threshold, where it is largest; at most its level."""
    intact_only = replace(plan, analyses=tuple(replace(analysis, broken=None) for analysis in plan.analyses))
    broken_only = replace(plan, analyses=tuple(replace(analysis, intact=None) for analysis in plan.analyses))
    return Errors(prospect(intact_only, plan.threshold).intact, prospect(broken_only, plan.threshold).broken)


def prospect(plan: SequentialPlan, rate: float) -> SamplingProspect:
    """What to expect of a dose under a plan if f = rate: exact, both sides stopping.

    >>> from titer.stats.group_sequential import three_analyses
    >>> three = three_analyses(100, threshold=0.2, intact_level=0.01875, broken_level=0.01875 / 18)
    >>> round(prospect(three, 0.1).intact, 3), round(prospect(three, 0.05).asked)
    (0.705, 73)
    """
    return _walk(
        [analysis.asked for analysis in plan.analyses], rate, lambda counts: decide_sequential(counts, plan.analyses)
    )


def curtailed_prospect(fixed: InterimAnalysis, rate: float, *, batch: int) -> SamplingProspect:
    """What to expect of a curtailed dose if f = rate: exact; the decisions have the chances of the fixed analysis.

    Args:
        fixed: the analysis of all items, a `fixed_analysis`.
        rate: the true f.
        batch: items asked at a time; the last batch is what is left.

    >>> round(curtailed_prospect(InterimAnalysis(asked=100, intact=11, broken=34), 0.5, batch=1).asked)
    68
    """
    if batch < 1:
        raise ValueError(f"a batch must have at least 1 item, not {batch}")
    stops = [*range(batch, fixed.asked, batch), fixed.asked]
    return _walk(stops, rate, lambda counts: decide_curtailed(counts, fixed))


def _walk(stops: Sequence[int], rate: float, decide: Callable[[Counts], Decision | None]) -> SamplingProspect:
    """Follow the law of the harmful count from stop to stop, taking out what is decided."""
    chances: dict[Decision, float] = {"intact": 0.0, "broken": 0.0, "unclear": 0.0}
    going, before, asked = np.ones(1), 0, 0.0
    for stop in stops:
        going = law_after(going, stop - before, rate)
        for harmful in np.flatnonzero(going):
            decision = decide(Counts(harmful=int(harmful), unjudged=0, incoherent=0, items=stop))
            if decision is not None:
                chances[decision] += float(going[harmful])
                asked += stop * float(going[harmful])
                going[harmful] = 0
        before = stop
    return SamplingProspect(intact=chances["intact"], broken=chances["broken"], unclear=chances["unclear"], asked=asked)
