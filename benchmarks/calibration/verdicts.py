"""Every configuration simulated: how often each part gets each word, and whether false words stay within limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.calibration.configurations import Configuration, Falsehood
from benchmarks.calibration.draws import draw
from benchmarks.calibration.reading import WORDS, read
from benchmarks.calibration.setting import IntArray, Part, chunks, generator
from titer.records import Word

COMFORTABLE = 0.96  # least power of a part that is not at its boundary
_CUT_LEVEL = 0.01  # chance that a rate exactly at its limit fails
_AGAIN = 10


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How often each part got each word, in order of `WORDS`."""

    replicates: int
    words: dict[Part, IntArray]

    def of(self, part: Part, word: Word) -> int:
        """In how many replicates a part got a word."""
        return int(self.words[part][WORDS.index(word)])


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One configuration, simulated; once more with ten times the replicates where the first run was beyond a cut."""

    configuration: Configuration
    first: Counted
    again: Counted | None

    @property
    def decisive(self) -> Counted:
        """The run that decides."""
        return self.again or self.first

    @property
    def passes(self) -> bool:
        """Whether every false word stayed within its cut, and the other parts had power."""
        return within(self.decisive, self.configuration) and self.least_power >= COMFORTABLE

    @property
    def known(self) -> str:
        """Why false words are known to be beyond their cut; empty where they are not."""
        return self.configuration.known

    @property
    def least_power(self) -> float:
        """The smallest share of upheld among the parts that are true by a wide margin."""
        sure = [part for part in self.first.words if part not in ("verdict", *self.configuration.boundary)]
        return min((self.first.of(part, "upheld") / self.first.replicates for part in sure), default=1.0)


def cut(replicates: int, limit: float) -> int:
    """The most false words that pass: a rate exactly at the limit is beyond it with a chance of 1 %.

    >>> cut(20_000, 0.05), cut(2_000, 0.05)
    (1072, 123)
    """
    return int(stats.binom.isf(_CUT_LEVEL, replicates, limit))


def within(counted: Counted, configuration: Configuration) -> bool:
    """Whether every false word stayed within its cut."""
    return all(counted.of(f.part, f.word) <= cut(counted.replicates, f.limit) for f in configuration.false)


def simulate(configuration: Configuration, replicates: int, run: str = "first") -> Counted:
    """Count the words of so many studies of one configuration."""
    words: dict[Part, IntArray] = {}
    for number, size in enumerate(chunks(replicates)):
        rng = generator("verdict", configuration.name, run, number)
        for part, codes in read(draw(configuration.truth, size, rng)).items():
            counts = np.bincount(codes, minlength=len(WORDS))
            words[part] = words[part] + counts if part in words else counts
    return Counted(replicates=replicates, words=words)


def calibrate(configuration: Configuration, replicates: int) -> Outcome:
    """Simulate a configuration, with one repetition where a false word is beyond its cut."""
    first = simulate(configuration, replicates)
    again = None if within(first, configuration) else simulate(configuration, _AGAIN * replicates, "again")
    return Outcome(configuration=configuration, first=first, again=again)


def share(counted: Counted, falsehood: Falsehood) -> float:
    """How often a false word was said."""
    return counted.of(falsehood.part, falsehood.word) / counted.replicates
