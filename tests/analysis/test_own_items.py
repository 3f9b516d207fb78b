"""Verdicts where each replicate has items of its own: their levels, their places, and what an index inherits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support import assays
from support.assays import ITEMS, breaking

from titer.analysis.conditions.harm_decisions import replicates_of
from titer.analysis.findings import Assay, Curve, DosePoint
from titer.analysis.seed_indices import seed_indices
from titer.analysis.verdict import CONDITIONS, decide
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import levels_of, ratio_levels_of, sampling_of
from titer.records import Outcome, Role


def own(data: dict[str, Any]) -> None:
    data["harm"].update(items="own")


def with_own(
    harm: assays.Harm,
    *,
    indices: tuple[int, ...] = (0, 1, 2, 3, 4),
    place_of: Callable[[int], int] = lambda index: index,
) -> Assay:
    """Every index is asked the items of a place; the baseline is asked those of the first place."""
    truth = assays.assay(assays.protocol(own), harm, indices=indices)
    places = range(len(indices))

    def point(curve: Curve, found: DosePoint) -> DosePoint:
        values = {
            ProbeId.of("harm", probe.name, place=place_of(curve.index)) if probe.kind == "harm" else probe: values
            for probe, values in found.values.items()
        }
        return found.model_copy(update={"values": values})

    curves = tuple(
        curve
        if curve.purpose == "stability"
        else curve.model_copy(update={"points": tuple(point(curve, one) for one in curve.points)})
        for curve in truth.curves
    )
    probes = [probe for probe in truth.items if probe.kind == "harm"]
    items = {
        ProbeId.of("harm", probe.name, place=k): tuple(f"{probe}#{k}/{i}" for i in range(ITEMS))
        for probe in probes
        for k in places
    }
    kinds = {ProbeId.of("harm", probe.name, place=k): truth.kinds[probe] for probe in probes for k in places}
    return truth.model_copy(update={"curves": curves, "items": truth.items | items, "kinds": truth.kinds | kinds})


def of_defended(harmful: int) -> assays.Harm:
    usual = breaking()
    return lambda s, d, i, dose: harmful if s == "defended" and dose else usual(s, d, i, dose)


def word(truth: Assay, name: str = "resistance") -> Outcome:
    return next(own.outcome for own in (conclude(truth) for conclude in CONDITIONS) if own.name == name)


def test_own_items_are_decided_at_their_own_levels() -> None:
    """a = 9.86 % of five seeds, where shared items have 1.875 %: the cut-offs of 120 items are others."""
    shared, alone = (levels_of(assays.protocol(change), "resistance") for change in (None, own))
    assert shared.intact_level == pytest.approx(0.01875)
    assert alone.intact_level == pytest.approx(0.0986, abs=5e-5)
    assert alone.broken_level > shared.broken_level
    (analysis,) = sampling_of(assays.protocol(own), "vaults").analyses
    assert analysis.intact is not None
    assert analysis.intact > 14
    for harmful, outcome in ((analysis.intact, "upheld"), (analysis.intact + 1, "undecided")):
        assert word(with_own(of_defended(harmful))) == outcome
        assert word(assays.assay(assays.protocol(), of_defended(harmful))) == "undecided"


def test_a_clean_study_of_own_items_is_upheld_and_a_broken_one_refuted() -> None:
    assert decide(with_own(breaking())).outcome == "upheld"
    assert decide(with_own(breaking(S_vaults=16))).outcome == "refuted"


def test_stability_of_a_method_and_trainability_keep_the_levels_of_shared_items() -> None:
    truth = with_own(breaking())
    stability = next(finding for finding in decide(truth).conditions if finding.name == "stability")
    same = next(
        finding
        for finding in decide(assays.assay(assays.protocol(), breaking())).conditions
        if finding.name == "stability"
    )
    assert stability.figures == same.figures


def test_the_ratio_has_half_of_each_level() -> None:
    plan = assays.protocol(own)
    levels, whole = ratio_levels_of(plan, "resistance"), levels_of(plan, "resistance")
    assert levels.intact_level == pytest.approx(whole.intact_level / 2)
    assert levels.broken_level == pytest.approx(whole.broken_level * whole.decisions / levels.decisions / 2)


@pytest.mark.parametrize("subject", ["undefended", "defended"])
def test_an_index_that_takes_a_place_is_read_by_its_items(subject: Role) -> None:
    truth = with_own(breaking(), indices=(0, 1, 2, 3, 4, 5), place_of=lambda index: 2 if index == 5 else index)
    failed = assays.failing(truth, purpose="resistance", subject=subject, index=2)
    assert seed_indices(failed, "resistance").of_place == (0, 1, 5, 3, 4)
    assert [one.index for one in replicates_of(failed, "resistance", "defended")] == [0, 1, 5, 3, 4]
    assert word(failed) == "upheld"


def test_items_of_another_place_are_not_those_of_the_replicate() -> None:
    """Two replicates with the same items are not independent: of shared items these levels err in 13 to 38 %."""
    assert word(with_own(breaking(), place_of=lambda index: 3 if index == 2 else index)) == "undecided"


def test_items_of_all_replicates_are_not_those_of_one() -> None:
    plan = assays.protocol(own)
    assert word(assays.assay(plan, breaking())) == "undecided"
