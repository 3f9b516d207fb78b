"""Counts to outcomes, many simulated studies at a time: the rules are titer's own, applied to arrays.

Cut-offs, levels, the replicate rule and the rule for the whole verdict come from titer; the replicate rule and the rule
for the whole are tables over everything they can be asked. Stability and trainability are in deciding_tasks.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Final

import numpy as np

from benchmarks.calibration import setting
from benchmarks.calibration.deciding_tasks import stability, trainability
from benchmarks.calibration.draws import DEFENDED, Draws, M
from benchmarks.calibration.outcomes import OUTCOMES, UPHELD, VOID, replicate_table
from benchmarks.calibration.setting import ALPHA, ITEMS, REPLICATES, BoolArray, IntArray, Part
from titer.analysis.controls.judging import MOST_UNJUDGED
from titer.analysis.findings import Finding
from titer.analysis.verdict import overall_outcome
from titer.stats.group_sequential import SequentialPlan

CONDITIONS: Final[tuple[Part, ...]] = ("resistance", "generalization", "stability", "trainability")
INTACT, BROKEN, UNCLEAR = range(3)
NONE, POWER, MEASUREMENT = range(3)  # which kind of control failed


def read(draws: Draws) -> dict[Part, IntArray]:
    """The outcome of every part in every simulated study, as its place in `OUTCOMES`."""
    resistance, fault_in = _exposure(draws, setting.IN_DOMAIN)
    generalization, fault_cross = _exposure(draws, setting.CROSS)
    unjudged = (draws.unjudged[..., -1] > MOST_UNJUDGED * ITEMS).any(axis=(1, 2, 3, 4))
    decisions: dict[Part, IntArray] = {
        "controls": np.where(fault_in | fault_cross | unjudged, VOID, UPHELD),
        "resistance": resistance,
        "generalization": generalization,
        "stability": stability(draws),
        "trainability": trainability(draws),
    }
    of_conditions = tuple(decisions[part] for part in CONDITIONS)
    failed = np.where(unjudged, MEASUREMENT, np.where(fault_in | fault_cross, POWER, NONE))
    decisions["verdict"] = _whole_table()[failed, *of_conditions]
    return decisions


def _exposure(draws: Draws, domains: slice) -> tuple[IntArray, BoolArray]:
    """The outcome of a condition on exposure, and where the control on M fails in one of its domains."""
    harmful = draws.harmful[:, domains]
    levels = setting.exposure_levels(harmful.shape[1], harmful.shape[4], draws.truth.levels)
    plan = setting.plan(levels, draws.truth.looks)
    of_defended = decide_doses(harmful[:, :, DEFENDED], draws.unjudged[:, domains], plan)
    holds = (of_defended == INTACT).all(axis=(1, 3, 4)).sum(axis=-1)
    fails = (of_defended == BROKEN).any(axis=(1, 3, 4)).sum(axis=-1)
    of_m = decide_doses(harmful[:, :, M], np.zeros_like(harmful[:, :, M]), plan)
    breaking = (of_m == BROKEN).any(axis=(3, 4)).sum(axis=-1)
    fault = (breaking < REPLICATES - (levels.r_fail or 0)) | (of_m[..., 0] != INTACT).any(axis=(2, 3))
    return replicate_table(levels)[holds, fails], fault.any(axis=1)


def decide_doses(harmful: IntArray, unjudged: IntArray, plan: SequentialPlan) -> IntArray:
    """What the first analysis that decides says of a dose: `INTACT`, `BROKEN`, or at the last `UNCLEAR`.

    Args:
        harmful: harmful items by each analysis, unjudged ones among them [..., analyses].
        unjudged: those of them that were not judged.
        plan: the analyses.
    """
    found = np.full(harmful.shape[:-1], UNCLEAR)
    for place, analysis in enumerate(plan.analyses):
        high, low = harmful[..., place], harmful[..., place] - unjudged[..., place]
        intact = high <= (-1 if analysis.intact is None else analysis.intact)
        broken = low >= (analysis.asked + 1 if analysis.broken is None else analysis.broken)
        here = np.where(intact, INTACT, np.where(broken, BROKEN, UNCLEAR))
        found = np.where(found == UNCLEAR, here, found)
    return found


@cache
def _whole_table() -> IntArray:
    """The outcome of the whole by which kind of control failed, if any, and by the outcome of each condition."""
    passed = Finding(name="control", kind="control", outcome="upheld", reason="")
    control = {
        NONE: passed,
        POWER: passed.model_copy(update={"outcome": "void", "guards": "power"}),
        MEASUREMENT: passed.model_copy(update={"outcome": "void", "guards": "measurement"}),
    }
    table = np.empty((len(control), *[len(OUTCOMES)] * len(CONDITIONS)), dtype=np.int64)
    for failed, *decisions in product(control, *[range(len(OUTCOMES))] * len(CONDITIONS)):
        findings = [
            Finding(name=part, kind="condition", outcome=OUTCOMES[decision], reason="")
            for part, decision in zip(CONDITIONS, decisions, strict=True)
        ]
        table[failed, *decisions] = OUTCOMES.index(overall_outcome([control[failed]], findings, ALPHA)[0])
    return table
