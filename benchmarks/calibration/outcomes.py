"""Outcomes as places in an array, and the replicate rule as a table."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from benchmarks.calibration.setting import IntArray
from titer.records import Outcome
from titer.stats import replicates
from titer.stats.replicates import Levels, Tally

OUTCOMES: Final[tuple[Outcome, ...]] = ("upheld", "refuted", "undecided", "void")
UPHELD, REFUTED, UNDECIDED, VOID = range(4)


@cache
def replicate_table(levels: Levels) -> IntArray:
    """The outcome of the replicate rule by the number of replicates that hold and that fail."""
    table = np.full((levels.replicates + 1, levels.replicates + 1), UNDECIDED)
    for holds in range(levels.replicates + 1):
        for fails in range(levels.replicates + 1 - holds):
            tally = Tally(holds=holds, fails=fails, open=levels.replicates - holds - fails)
            table[holds, fails] = OUTCOMES.index(replicates.decide(tally, levels))
    return table
