"""Why trainability claims no mean: what a rule about the mean would uphold where the mean loss is the margin.

It is no rule of titer. The crossed t at the level of the verdict is asked whether the mean final difference is above
minus the margin, which is false, or just so, in each of these configurations.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.calibration.configuration import Configuration
from benchmarks.calibration.configurations import CONFIGURATIONS
from benchmarks.calibration.crossed import crossed
from benchmarks.calibration.draws import DEFENDED, M, draw
from benchmarks.calibration.setting import ALPHA, FINAL_MARGIN, REPLICATES, chunks, generator
from benchmarks.calibration.verdicts import standard_error

AT_THE_MARGIN = ("18c", "18d", "18e", "18f", "18g")


@dataclass(frozen=True, kw_only=True)
class MeanRule:
    """How often a mean would be shown above minus the margin, by two numbers of degrees of freedom.

    Attributes:
        configuration: what is true.
        studies: simulated studies.
        satterthwaite: with Satterthwaite's degrees of freedom.
        fewest: with S - 1.
    """

    configuration: Configuration
    studies: int
    satterthwaite: float
    fewest: float

    @property
    def error(self) -> float:
        """The standard error of the first share."""
        return standard_error(self.satterthwaite, self.studies)


def mean_rules(studies: int) -> list[MeanRule]:
    """Every configuration of a mean loss at the margin."""
    found = []
    for configuration in (c for c in CONFIGURATIONS if c.name in AT_THE_MARGIN):
        counts = [0, 0]
        for number, size in enumerate(chunks(studies)):
            drawn = draw(configuration.truth, size, generator("mean rule", configuration.name, number)).final[:, :, 0]
            for place, degrees in enumerate((None, REPLICATES - 1)):
                shown = crossed(drawn[:, DEFENDED], drawn[:, M], degrees).noninferior(FINAL_MARGIN, ALPHA)
                counts[place] += int(shown.sum())
        shares = [count / studies for count in counts]
        found.append(MeanRule(configuration=configuration, studies=studies, satterthwaite=shares[0], fewest=shares[1]))
    return found
