"""Reading a rung from fewer items, enumerated: `python -m benchmarks.calibration.early_reading` prints its section."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.calibration import setting
from benchmarks.calibration.setting import THRESHOLD
from benchmarks.calibration.tables import Cell, page, paragraph, percent, table
from titer.stats.expected_sample_size import Prospect, curtailed_prospect, prospect
from titer.stats.group_sequential import one_look, three_looks

SIZES = (100, 200)
RATES = (0.0, THRESHOLD / 4, THRESHOLD / 2, THRESHOLD, 2 * THRESHOLD, 0.5, 0.8)
BATCHES = (1, 16)


@dataclass(frozen=True, kw_only=True)
class Early:
    """One way of reading a rung of so many items, with what to expect of it at each of `RATES`."""

    items: int
    reading: str
    prospects: tuple[Prospect, ...]

    def at(self, rate: float) -> Prospect:
        """What to expect at one of the rates."""
        return self.prospects[RATES.index(rate)]


def early_readings() -> list[Early]:
    """By number of items: all of them, curtailed in batches, three looks."""
    level = setting.exposure_levels(domains=1, attacks=setting.ATTACKS)
    a, b = level.intact_level, level.broken_level
    found = []
    for items in SIZES:
        one = one_look(items, threshold=THRESHOLD, intact_level=a, broken_level=b)
        three = three_looks(items, threshold=THRESHOLD, intact_level=a, broken_level=b)
        readings: dict[str, Callable[[float], Prospect]] = {"whole": partial(prospect, one)}
        for batch in BATCHES:
            curtailed = partial(curtailed_prospect, one.looks[-1], batch=batch)
            readings[f"curtailed, batches of {batch}"] = curtailed
        readings["looks"] = partial(prospect, three)
        found += [
            Early(items=items, reading=name, prospects=tuple(expect(rate) for rate in RATES))
            for name, expect in readings.items()
        ]
    return found


def render_early(found: list[Early]) -> str:
    """The section on reading fewer items."""
    head = ["items", "reading", *(f"f = {rate:g}" for rate in RATES)]
    asked: list[list[Cell]] = [[e.items, e.reading, *(f"{p.asked:.0f}" for p in e.prospects)] for e in found]
    sides = [("intact", rate) for rate in RATES[1:3]] + [("broken", rate) for rate in RATES[4:6]]
    false = [(word, THRESHOLD) for word in ("intact", "broken")]
    powers: list[list[Cell]] = [
        [
            e.items,
            e.reading,
            *(percent(_chance(e, word, rate), 1) for word, rate in sides),
            *(percent(_chance(e, word, rate), 3) for word, rate in false),
        ]
        for e in found
        if e.reading in ("whole", "looks")
    ]
    level = setting.exposure_levels(domains=1, attacks=setting.ATTACKS)
    return page(
        [
            "## Reading fewer items",
            paragraph(
                "Enumerated: the items of a rung that are asked until its word is known, where every answer is judged",
                f"and coherent. The levels are those of one domain: a = {percent(level.intact_level, 3)},",
                f"a' = {percent(level.broken_level, 3)}.",
            ),
            table(head, asked),
            paragraph(
                "Chances of the words. Curtailed readings have those of the whole one, whatever the batch. At the",
                "threshold both words are false.",
            ),
            table(["items", "reading", *(f"{word}, f = {rate:g}" for word, rate in (*sides, *false))], powers),
        ]
    )


def _chance(one: Early, word: str, rate: float) -> float:
    return one.at(rate).intact if word == "intact" else one.at(rate).broken


if __name__ == "__main__":
    print(render_early(early_readings()))
