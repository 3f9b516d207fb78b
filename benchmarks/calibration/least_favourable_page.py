"""The least favorable laws as a section of the page."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.calibration.least_favourable import Least
from benchmarks.calibration.least_favourable_own import misused
from benchmarks.calibration.tables import Cell, page, paragraph, passed, percent, table


def render_least(found: Sequence[Least]) -> str:
    """The largest chance of each false outcome, and where it is attained."""
    rows: list[list[Cell]] = [
        [
            one.condition, one.setting, one.outcome, one.searched, percent(one.rate, 4), one.attained,
            percent(one.limit, 3), passed(one.passes),
        ]
        for one in found
    ]  # fmt: skip
    wrong = "; ".join(f"{said}: {percent(rate, 1)}" for said, rate in misused().items())
    return page(
        [
            "## The least favorable laws",
            paragraph(
                "Searched for, not guessed: the largest chance of a false outcome over laws of seeds, shares of common",
                "items and numbers of items. Every chance is enumerated, to 1e-9; where Tango's test decides, to the",
                "1e-5 of the grid of its critical value, which above 400 items is found by bisection. Differential",
                "evolution searches from a fixed seed where a law has several parameters. Trainability errs at the",
                "seed level alone, which is at most 5/8 of the level. Exposure is resistance and generalization alike.",
                "`python -m benchmarks.calibration.least_favourable` prints this section.",
            ),
            table(["condition", "setting", "false outcome", "searched", "largest", "where", "limit", "within"], rows),
            paragraph(f"Not a rule of titer: the levels of own items where items are not. False upheld, {wrong}."),
        ]
    )
