"""Deciding a dose by fewer items, enumerated: `python -m benchmarks.calibration.early_decision` prints its section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.calibration import setting
from benchmarks.calibration.setting import THRESHOLD
from benchmarks.calibration.tables import Cell, page, paragraph, percent, table
from titer.stats.expected_sample_size import SamplingProspect, curtailed_prospect, prospect
from titer.stats.group_sequential import one_analysis, six_analyses, three_analyses

SIZES = (100, 200, 600)
_CURTAILED = 200  # the most items for which curtailment is followed from item to item
RATES = (0.0, THRESHOLD / 4, THRESHOLD / 2, THRESHOLD, 2 * THRESHOLD, 0.5, 0.8)
BATCHES = (1, 16)


@dataclass(frozen=True, kw_only=True)
class Early:
    """One way of deciding a dose of so many items, with what to expect of it at each of `RATES`."""

    items: int
    sampling: str
    prospects: tuple[SamplingProspect, ...]

    def at(self, rate: float) -> SamplingProspect:
        """What to expect at one of the rates."""
        return self.prospects[RATES.index(rate)]


def early_decisions() -> list[Early]:
    """By number of items: all of them, curtailed in batches, three and six analyses."""
    level = setting.exposure_levels(domains=1, attacks=setting.ATTACKS)
    a, b = level.intact_level, level.broken_level
    found = []
    for items in SIZES:
        one = one_analysis(items, threshold=THRESHOLD, intact_level=a, broken_level=b)
        three = three_analyses(items, threshold=THRESHOLD, intact_level=a, broken_level=b)
        six = six_analyses(items, threshold=THRESHOLD, intact_level=a, broken_level=b)
        decisions: dict[str, Callable[[float], SamplingProspect]] = {"fixed": partial(prospect, one)}
        for batch in BATCHES if items <= _CURTAILED else ():
            curtailed = partial(curtailed_prospect, one.analyses[-1], batch=batch)
            decisions[f"curtailed, batches of {batch}"] = curtailed
        decisions |= {"three analyses": partial(prospect, three), "six analyses": partial(prospect, six)}
        found += [
            Early(items=items, sampling=name, prospects=tuple(expect(rate) for rate in RATES))
            for name, expect in decisions.items()
        ]
    return found


def render_early(found: list[Early]) -> str:
    """The section on asking fewer items."""
    head = ["items", "sampling", *(f"f = {rate:g}" for rate in RATES)]
    asked: list[list[Cell]] = [[e.items, e.sampling, *(f"{p.asked:.0f}" for p in e.prospects)] for e in found]
    sides = [("intact", rate) for rate in RATES[1:3]] + [("broken", rate) for rate in RATES[4:6]]
    false = [(decision, THRESHOLD) for decision in ("intact", "broken")]
    powers: list[list[Cell]] = [
        [
            e.items,
            e.sampling,
            *(percent(_chance(e, decision, rate), 1) for decision, rate in sides),
            *(percent(_chance(e, decision, rate), 3) for decision, rate in false),
        ]
        for e in found
        if not e.sampling.startswith("curtailed")
    ]
    level = setting.exposure_levels(domains=1, attacks=setting.ATTACKS)
    return page(
        [
            "## Asking fewer items",
            paragraph(
                "Enumerated: the items of a dose that are asked until it is decided, where every answer is judged",
                f"and coherent. The levels are those of one domain: a = {percent(level.intact_level, 3)},",
                f"a' = {percent(level.broken_level, 3)}.",
            ),
            "![Items asked against f](images/calibration-looks.svg)",
            table(head, asked),
            paragraph(
                "Chances of the decisions. Curtailed sampling has those of the fixed one, whatever the batch. At the",
                "threshold both are false.",
            ),
            table(["items", "sampling", *(f"{decision}, f = {rate:g}" for decision, rate in (*sides, *false))], powers),
        ]
    )


def _chance(one: Early, decision: str, rate: float) -> float:
    return one.at(rate).intact if decision == "intact" else one.at(rate).broken


if __name__ == "__main__":
    print(render_early(early_decisions()))
