"""Every configuration simulated: how often each part gets each outcome, and whether the false ones are few enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.calibration.configurations import Configuration, Falsehood
from benchmarks.calibration.deciding import OUTCOMES, read
from benchmarks.calibration.draws import draw
from benchmarks.calibration.setting import IntArray, Part, chunks, generator
from titer.records import Outcome

COMFORTABLE = 0.96  # least power of a part that is not at its boundary
_CUT_LEVEL = 0.01  # chance that a rate exactly at its limit fails
_AGAIN = 10


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
    """One configuration, simulated; once more with ten times the studies where the first run was beyond a cut."""

    configuration: Configuration
    first: Simulated
    again: Simulated | None

    @property
    def decisive(self) -> Simulated:
        """The run that decides."""
        return self.again or self.first

    @property
    def passes(self) -> bool:
        """Whether every false outcome stayed within its cut, and the other parts had power."""
        return within(self.decisive, self.configuration) and self.least_power >= COMFORTABLE

    @property
    def known(self) -> str:
        """Why false outcomes are known to be beyond their cut; empty where they are not."""
        return self.configuration.known

    @property
    def least_power(self) -> float:
        """The smallest share of upheld among the parts that are true by a wide margin."""
        sure = [part for part in self.first.decisions if part not in ("verdict", *self.configuration.boundary)]
        return min((self.first.of(part, "upheld") / self.first.studies for part in sure), default=1.0)


def cut(studies: int, limit: float) -> int:
    """The most false outcomes that pass: a rate exactly at the limit is beyond it with a chance of 1 %.

    >>> cut(20_000, 0.05), cut(2_000, 0.05)
    (1072, 123)
    """
    return int(stats.binom.isf(_CUT_LEVEL, studies, limit))


def within(counted: Simulated, configuration: Configuration) -> bool:
    """Whether every false outcome stayed within its cut."""
    return all(counted.of(f.part, f.outcome) <= cut(counted.studies, f.limit) for f in configuration.false)


def simulate(configuration: Configuration, studies: int, run: str = "first") -> Simulated:
    """Count the outcomes of so many studies of one configuration."""
    decisions: dict[Part, IntArray] = {}
    for number, size in enumerate(chunks(studies)):
        rng = generator("verdict", configuration.name, run, number)
        for part, codes in read(draw(configuration.truth, size, rng)).items():
            counts = np.bincount(codes, minlength=len(OUTCOMES))
            decisions[part] = decisions[part] + counts if part in decisions else counts
    return Simulated(studies=studies, decisions=decisions)


def calibrate(configuration: Configuration, studies: int) -> Calibrated:
    """Simulate a configuration, with one repetition where a false outcome is beyond its cut."""
    first = simulate(configuration, studies)
    again = None if within(first, configuration) else simulate(configuration, _AGAIN * studies, "again")
    return Calibrated(configuration=configuration, first=first, again=again)


def share(counted: Simulated, falsehood: Falsehood) -> float:
    """How often a false outcome was said."""
    return counted.of(falsehood.part, falsehood.outcome) / counted.studies
