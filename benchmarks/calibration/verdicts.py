"""Every configuration simulated: how often each part gets each outcome, and whether the false ones are few enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.configuration import Configuration, Falsehood
from benchmarks.calibration.deciding import read
from benchmarks.calibration.draws import draw
from benchmarks.calibration.outcomes import OUTCOMES
from benchmarks.calibration.setting import IntArray, Part, chunks, generator
from titer.records import Outcome

COMFORTABLE = 0.96  # least power of a part that is not at its boundary


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """How often each part got each outcome, in order of `OUTCOMES`."""

    studies: int
    decisions: dict[Part, IntArray]

    def of(self, part: Part, decision: Outcome) -> int:
        """In how many simulated studies a part got an outcome."""
        return int(self.decisions[part][OUTCOMES.index(decision)])


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """One configuration, simulated."""

    configuration: Configuration
    counted: Simulated

    @property
    def within(self) -> bool:
        """Whether every false outcome stayed within its cut."""
        studies = self.counted.studies
        return all(self.counted.of(f.part, f.outcome) <= cut(studies, f.limit) for f in self.configuration.false)

    @property
    def passes(self) -> bool:
        """Whether every false outcome stayed within its cut, and the other parts had power."""
        return self.within and self.least_power >= COMFORTABLE

    @property
    def least_power(self) -> float:
        """The smallest share of upheld among the parts that are true by a wide margin."""
        sure = [part for part in self.counted.decisions if part not in ("verdict", *self.configuration.boundary)]
        return min((self.counted.of(part, "upheld") / self.counted.studies for part in sure), default=1.0)

    def share(self, false: Falsehood) -> float:
        """How often a false outcome was said."""
        return self.counted.of(false.part, false.outcome) / self.counted.studies

    def error(self, false: Falsehood) -> float:
        """The standard error of that share."""
        return standard_error(self.share(false), self.counted.studies)


def standard_error(share: float, studies: int) -> float:
    """Of a share among so many simulated studies."""
    return math.sqrt(share * (1 - share) / studies)


def cut(studies: int, limit: float) -> int:
    """The most false outcomes that pass: the limit and twice its standard error.

    >>> cut(200_000, 0.05), cut(2_000, 0.05)
    (10194, 119)
    """
    return math.floor(studies * (limit + 2 * standard_error(limit, studies)))


def simulate(configuration: Configuration, studies: int) -> Simulated:
    """Count the outcomes of so many studies of one configuration."""
    decisions: dict[Part, IntArray] = {}
    for number, size in enumerate(chunks(studies)):
        rng = generator("verdict", configuration.name, number)
        for part, codes in read(draw(configuration.truth, size, rng)).items():
            counts = np.bincount(codes, minlength=len(OUTCOMES))
            decisions[part] = decisions[part] + counts if part in decisions else counts
    return Simulated(studies=studies, decisions=decisions)


def calibrate(configuration: Configuration, studies: int) -> Calibrated:
    """Simulate a configuration."""
    return Calibrated(configuration=configuration, counted=simulate(configuration, studies))
