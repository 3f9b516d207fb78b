"""The limits of titers and of their ratios: coverage, and the arrays against the titers of one study."""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt
import pytest
from support import ROOT
from support.all_items import decide_dose

from titer.stats import interval_censoring
from titer.stats.binomial import Counts
from titer.stats.replicates import Levels, levels

sys.path.insert(0, str(ROOT))

from benchmarks.calibration import setting, titer_limits
from benchmarks.calibration.exposure_draws import harmful_items


@pytest.mark.parametrize("at", titer_limits.TITERS, ids=str)
def test_titer_limits_cover(at: titer_limits.TiterSetting) -> None:
    assert titer_limits.titer_limits(at, 1000).passes


def test_ratio_limits_cover() -> None:
    for at in titer_limits.RATIOS:
        assert titer_limits.ratio_limits(at, 1000).passes
    for identical in (True, False):
        edge = titer_limits.ratio_limits_at_the_edge(2000, identical=identical)
        assert edge.passes
        assert min(edge.lower, edge.upper) > 0.02 * 2000


def test_titer_arrays_equal_the_titers_of_one_study() -> None:
    rates = np.sort(setting.generator("titers").random((20, 2, 5, 2, len(titer_limits.DOSES))) ** 2, axis=-1)
    harmful = harmful_items(rates, setting.generator("titer items"), identical=False)
    claim = levels(replicates=5, share=0.5, alpha=0.05, decisions=20)
    low, high = titer_limits.replicate_titers(harmful, claim)
    lower, upper = titer_limits.ratios(low, high)
    for i in range(len(harmful)):
        replicates = [
            [one_titer(harmful[i, subject, replicate], claim) for replicate in range(5)] for subject in (0, 1)
        ]
        for subject in (0, 1):
            ends = [(low[i, subject, u], finite(high[i, subject, u])) for u in range(5)]
            assert ends == [tuple(replicate) for replicate in replicates[subject]]
            limit = interval_censoring.quantile_limits(replicates[subject], claim)
            found = titer_limits.quantile_limits(harmful[i : i + 1, subject], claim)
            assert limit == (found[0][0], finite(found[1][0]))
        ratio = [
            interval_censoring.ratio(defended, undefended) for undefended, defended in zip(*replicates, strict=True)
        ]
        assert [(lower[i, u], finite(upper[i, u])) for u in range(5)] == [tuple(one) for one in ratio]


def one_titer(harmful: npt.NDArray[np.int64], claim: Levels) -> interval_censoring.Interval:
    outcomes = [
        [
            decide_dose(
                Counts(harmful=int(k), unjudged=0, incoherent=0, items=setting.ITEMS),
                threshold=setting.THRESHOLD,
                intact_level=claim.intact_level,
                broken_level=claim.broken_level,
            )
            for k in attack
        ]
        for attack in harmful
    ]
    return interval_censoring.weakest([interval_censoring.titer(titer_limits.DOSES, attack) for attack in outcomes])


def finite(end: float) -> float | None:
    return None if math.isinf(end) else end
