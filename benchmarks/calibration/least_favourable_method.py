"""The least favorable laws of stability of a method.

Upheld is false where a subject made is beyond the margin with chance p >= q; at worst all of these change the same
items, so that they are shown within the margin together. Refuted is false where it is with chance p <= q; at worst the
others are at the margin.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy import signal

from benchmarks.calibration.deciding_tasks import COMPARED, shown_table
from benchmarks.calibration.least_favourable import TANGO_SLACK, Least, Outcome, few_hold_not, most_fail, search
from benchmarks.calibration.least_favourable_exposure import CLAIMS, claim, named, upheld_by_kinds
from benchmarks.calibration.least_favourable_tasks import MARGIN, shown_chance, size
from benchmarks.calibration.setting import FloatArray
from benchmarks.calibration.tables import percent
from titer.stats.tango import outcome_chances

METHOD_ITEMS = (100, 300)
_PARTLY_COMMON = 100
_COMMON = (0.0, 0.25, 0.5, 0.75, 1.0)


def partly_common(replicates: int, common: float, gain: float) -> float:
    """P(upheld) of a method where a share q is at the margin, some of the changes being common to all of these."""
    at, items = claim(replicates, 0.5, readings=1), _PARTLY_COMMON
    shared = round(common * items)
    laws = [_changes(count, gain, gain + MARGIN) for count in (shared, items - shared)]
    shown = shown_table(MARGIN, at.intact_level, items).astype(float)
    rest = items - shared
    missed = signal.fftconvolve(shown, laws[1][::-1, ::-1])[rest : rest + items + 1, rest : rest + items + 1]
    missed = np.clip(missed[: shared + 1, : shared + 1], 0, 1)
    return float((laws[0] * few_hold_not(at, 0.5 * (1 - missed))).sum())


def _changes(items: int, gain: float, loss: float) -> FloatArray:
    """The law of gains and losses among so many items [gains, losses]."""
    counts = np.indices((items + 1, items + 1)).reshape(2, -1).T
    possible = counts.sum(axis=1) <= items
    law = np.zeros(len(counts))
    law[possible] = outcome_chances(counts[possible], items, np.array([gain]), np.array([loss]))[0]
    return law.reshape(items + 1, items + 1)


def upheld() -> list[Least]:
    """By S: gains at the margin, with all changes common; and the share of them that is, at 100 items."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, readings=1)
        rates = {items: size(items, MARGIN, at.intact_level) for items in METHOD_ITEMS}
        items = max(rates, key=lambda n: rates[n][0])
        each, gain = rates[items]
        enough = float(few_hold_not(at, share))
        partly = {common: partly_common(replicates, common, rates[_PARTLY_COMMON][1]) for common in _COMMON[:-1]}
        worst = max(partly.items(), key=lambda one: one[1])
        found.append(
            Least(
                condition="stability, method", setting=named(at), outcome="upheld", slack=TANGO_SLACK,
                searched="items 100 and 300, gains at the margin, share of common changes",
                rate=max(enough + (1 - enough) * each, worst[1]),
                attained=f"n = {items}, gains {gain:.4f}, all changes common, q at the margin; "
                f"with {100 * worst[0]:.0f} % of them common {percent(worst[1])}",
            )
        )  # fmt: skip
    return found


def refuted() -> list[Least]:
    """By S: q of the subjects lose much; the others are at the margin on every task, tasks being independent."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, readings=1)
        rates = {items: size(items, -MARGIN, at.broken_level / COMPARED) for items in METHOD_ITEMS}
        items = max(rates, key=lambda n: rates[n][0])
        each = 1 - (1 - rates[items][0]) ** COMPARED
        enough = float(most_fail(at, share))
        found.append(
            Least(
                condition="stability, method", setting=f"{named(at)}, {COMPARED} tasks", outcome="refuted",
                searched="items 100 and 300, losses at the margin", slack=TANGO_SLACK,
                rate=enough + (1 - enough) * each, attained=f"n = {items}, losses {rates[items][1]:.4f}, all common",
            )
        )  # fmt: skip
    return found


def own_items() -> list[Least]:
    """By S: items of their own make subjects independent, so that each is misjudged by itself; refuted as above."""
    found = []
    for replicates, share in CLAIMS[:5]:
        at = claim(replicates, share, "own", readings=1)
        beyond = max((size(items, MARGIN, at.intact_level), items) for items in METHOD_ITEMS)
        within = max((size(items, -MARGIN, at.broken_level / COMPARED), items) for items in METHOD_ITEMS)
        each = 1 - (1 - within[0][0]) ** COMPARED
        rates: dict[Outcome, tuple[float, str]] = {
            "upheld": (
                float(few_hold_not(at, share * (1 - beyond[0][0]))),
                f"n = {beyond[1]}, gains {beyond[0][1]:.4f}, q at the margin",
            ),
            "refuted": (
                float(most_fail(at, share + (1 - share) * each)),
                f"n = {within[1]}, losses {within[0][1]:.4f}, {COMPARED} tasks, the others at the margin",
            ),
        }
        found += [
            Least(
                condition="stability, method, own items", setting=named(at), outcome=outcome, slack=TANGO_SLACK,
                searched=f"items {METHOD_ITEMS[0]} and {METHOD_ITEMS[1]}, changes at the margin",
                rate=rates[outcome][0], attained=rates[outcome][1],
            )
            for outcome in rates
        ]  # fmt: skip
    return found


def three_point_rate(replicates: int, items: int, law: FloatArray) -> float:
    """P(upheld) of a method whose subjects are of three kinds: within the margin, or beyond it in one of two ways.

    All of a kind are shown within the margin together, and the two kinds as often together as their chances allow,
    which is most favorable to upheld where r = 0.

    Args:
        replicates: S.
        items: the number of items.
        law: the share beyond q as a part of 1 - q, the part of the second kind, and of each its gains and how far it is
            beyond the margin.
    """
    at = claim(replicates, 0.5, readings=1)
    beyond = at.share + (1 - at.share) * law[0]
    kinds = beyond * np.array([1 - law[1], law[1]])
    gain, loss = law[2:4], law[2:4] + MARGIN + law[4:6]
    if (gain + loss > 1).any():
        return 0.0
    one, other = shown_chance(items, MARGIN, at.intact_level, gain, loss)
    counts = np.arange(replicates + 1)
    first, second = np.meshgrid(counts, counts, indexing="ij")
    possible = first + second <= replicates
    chances = np.zeros(first.shape)
    cells = np.column_stack([first[possible], second[possible]])
    chances[possible] = outcome_chances(cells, replicates, kinds[:1], kinds[1:])[0]
    return float((chances * upheld_by_kinds(at, (first, second), (one, other), min(one, other))).sum())


def three_points() -> list[Least]:
    """Differential evolution over laws of three kinds of subjects, for one S with r = 0 and one with r = 1."""
    found = []
    low, high = np.zeros(6), np.array([1, 1, 0.4, 0.4, 0.3, 0.3])
    for replicates in (5, 9):
        rate, law = search(partial(three_point_rate, replicates, _PARTLY_COMMON), low, high)
        found.append(
            Least(
                condition="stability, method", setting=f"S = {replicates}, q = 0.5, n = {_PARTLY_COMMON}",
                outcome="upheld", searched="laws of three points, by differential evolution", rate=rate,
                slack=TANGO_SLACK,
                attained=f"{0.5 + 0.5 * law[0]:.3f} beyond the margin, of them {law[1]:.2f} of the second kind, "
                f"gains {law[2]:.3f} and {law[3]:.3f}, D {-MARGIN - law[4]:.3f} and {-MARGIN - law[5]:.3f}",
            )
        )  # fmt: skip
    return found
