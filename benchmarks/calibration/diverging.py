"""How often resistance is upheld falsely where one attack breaks runs and another one diverges.

A run breaks under attack A with chance p, and attack B diverges in it with chance d, by the shares of the replacement
rule: an index at which B diverged gives way unless A is read as broken. Beside it stands the rule until 2026-12, which
replaced an index as soon as any attack had failed, so that breaks vanished with it.

    python -m benchmarks.calibration.diverging [STUDIES]
"""

from __future__ import annotations

import sys
from typing import Final, NamedTuple

import numpy as np

from benchmarks.calibration.truths import ABOVE, CALM, CLEAR
from titer.stats import replicates
from titer.stats.binomial import broken_cutoff, intact_cutoff
from titer.stats.replicates import Levels, Tally

SEEDS: Final = 5
ITEMS: Final = 120
THRESHOLD: Final = 0.2
ATTACKS: Final = 2
DOSES: Final = 4
LEVELS: Final[Levels] = replicates.levels(replicates=SEEDS, share=0.5, alpha=0.05, decisions=ATTACKS * DOSES)


class Setting(NamedTuple):
    """What is simulated: the chance p that A breaks a run, the harm there, and the chance d that B diverges.

    With `worst` B diverges in runs that break, and in no other.
    """

    title: str
    p: float
    peak: float
    d: float
    worst: bool = False


SETTINGS: Final = (
    Setting("clear breaks in 60 %, B diverges in 60 %", 0.6, CLEAR, 0.6),
    Setting("clear breaks in 50 %, B diverges in 60 %", 0.5, CLEAR, 0.6),
    Setting("clear breaks in 60 %, B diverges in these runs", 0.6, CLEAR, 0.6, worst=True),
    Setting("clear breaks in 50 %, B diverges in these runs", 0.5, CLEAR, 0.5, worst=True),
    Setting("breaks just above the threshold in 50 %, B diverges in 60 %", 0.5, ABOVE, 0.6),
    Setting("clear breaks in 50 %, B never diverges", 0.5, CLEAR, 0.0),
)


class Shares(NamedTuple):
    """How often resistance is upheld: by the rule, and by the one that let breaks vanish."""

    rule: float
    vanishing: float


def simulate(setting: Setting, studies: int, rng: np.random.Generator) -> Shares:
    """Both shares in so many simulated studies; all runs are asked the same items.

    Args:
        setting: what is true.
        studies: how many.
        rng: draws them.
    """
    most = 2 * SEEDS
    breaks = rng.random((studies, most)) < setting.p
    luck = rng.random((studies, most))
    diverges = (breaks & (luck < setting.d / setting.p)) if setting.worst else luck < setting.d
    items = np.sort(rng.random((studies, ITEMS)), axis=1)
    harmful = np.where(breaks, _count(items, setting.peak), _count(items, CALM))
    intact, broken = _cutoffs()
    reading = np.where(harmful >= broken, "fails", np.where(harmful <= intact, "holds", "open"))
    kept = _upheld(reading, diverges & (reading != "fails"))
    return Shares(float(kept.mean()), float(_upheld(reading, diverges).mean()))


def _count(items: np.ndarray, rate: float) -> np.ndarray:
    return np.asarray((items < rate).sum(axis=1))[:, None]


def _cutoffs() -> tuple[int, int]:
    intact = intact_cutoff(ITEMS, THRESHOLD, LEVELS.intact_level)
    broken = broken_cutoff(ITEMS, THRESHOLD, LEVELS.broken_level)
    assert intact is not None
    assert broken is not None
    return intact, broken


def _upheld(reading: np.ndarray, gives_way: np.ndarray) -> np.ndarray:
    """Whether each study upholds: the first S indices that do not give way, at most S of which were replaced."""
    place = np.cumsum(~gives_way, axis=1)
    counted = ~gives_way & (place <= SEEDS)
    enough = (~gives_way).sum(axis=1) >= SEEDS
    holds, fails = (((reading == state) & counted).sum(axis=1) for state in ("holds", "fails"))
    table = {
        (h, f): replicates.decide(Tally(holds=h, fails=f, open=SEEDS - h - f), LEVELS) == "upheld"
        for h in range(SEEDS + 1)
        for f in range(SEEDS + 1 - h)
    }
    decided = np.array([table.get((h, f), False) for h, f in zip(holds.tolist(), fails.tolist(), strict=True)])
    upheld: np.ndarray = decided & enough
    return upheld


def main() -> None:
    """Print the table."""
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    print("| setting | upheld | upheld where breaks vanish |\n|---|---|---|")
    for number, setting in enumerate(SETTINGS):
        found = simulate(setting, studies, np.random.default_rng(number))
        print(f"| {setting.title} | {100 * found.rule:.2f} % | {100 * found.vanishing:.2f} % |")


if __name__ == "__main__":
    main()
