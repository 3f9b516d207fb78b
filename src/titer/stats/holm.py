"""Several p-values at one level: which claims are shown if not one of them may be false.

Reference:
    S. Holm (1979), A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
    65-70.
"""

from dataclasses import dataclass

import numpy as np

from titer.stats.outcomes import Outcomes, read_numbers, table

_TOLERANCE = 1 + 1e-12  # relative: a p-value equal to its level up to rounding is within the level


@dataclass(frozen=True, kw_only=True)
class HolmTest:
    """Which of several claims are shown, the chance that any of these is false being at most the level.

    Attributes:
        level: error level of all claims together.
        pvalues: of each claim; one that is missing is 1.
        adjusted: of each claim the smallest level of all together at which it is shown, at most 1.
        missing: claims without a p-value, which count among the claims and are never shown.
    """

    level: float
    pvalues: tuple[float, ...]
    adjusted: tuple[float, ...]
    missing: int

    @property
    def rejected(self) -> tuple[bool, ...]:
        """Of each claim whether it is shown."""
        return tuple(p <= self.level * _TOLERANCE for p in self.adjusted)

    def summary(self) -> str:
        """The result as a table."""
        claims = zip(self.pvalues, self.adjusted, self.rejected, strict=True)
        rows = [
            (f"claim {place}", f"{'shown' if shown else 'not shown'}, p = {p:.3g}, adjusted {whole:.3g}")
            for place, (p, whole, shown) in enumerate(claims)
        ]
        shown = f"{sum(self.rejected)} of {len(self.pvalues)}, at level {self.level:g} together"
        return table("Holm's procedure", [("shown", shown), ("missing", f"{self.missing}"), *rows])


def holm(pvalues: Outcomes, *, level: float = 0.05) -> HolmTest:
    """Holm's step-down procedure, under any dependence of the p-values.

    The k-th smallest of m p-values is multiplied by m - k + 1, and no adjusted one is smaller than one before it.

    Args:
        pvalues: one for each claim that could have been picked, not only for those that were, shape [claims].
        level: error level of all claims together.

    Raises:
        ValueError: no p-values, one outside of 0 to 1, or an impossible level.

    >>> found = holm([0.01, 0.04, 0.03, 0.005])
    >>> [round(p, 3) for p in found.adjusted], found.rejected
    ([0.03, 0.06, 0.06, 0.02], (True, False, False, True))
    """
    given = read_numbers(pvalues)
    missing = np.isnan(given)
    p = np.where(missing, 1.0, given)
    if not 0 < level < 1 or p.min() < 0 or p.max() > 1:
        raise ValueError(f"need p-values from 0 to 1 and a level between 0 and 1, not {p.tolist()} and {level}")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return HolmTest(
        level=level, pvalues=tuple(p.tolist()), adjusted=tuple(adjusted.tolist()), missing=int(missing.sum())
    )
