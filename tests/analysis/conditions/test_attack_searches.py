"""What a search tried of the learning rate, and whether its best rate lies inside."""

from __future__ import annotations

from functools import cache

import pytest
from support import ROOT

from titer.analysis.assemble import assemble_packed
from titer.analysis.conditions.attack_searches import SearchedRate, searched_rate
from titer.analysis.findings import Assay, Curve
from titer.study.unpacking import read_packed


@cache
def packed(name: str) -> Assay:
    folder = ROOT / "docs" / "results" / name
    return assemble_packed(read_packed(folder), folder)


def test_the_rates_are_those_of_the_trials_that_train_what_the_selected_attack_trains() -> None:
    """LoRA was tried up to 9.7e-4 on this subject, and the selected attack trains all weights."""
    found = searched_rate(packed("topics-search"), "direct-0795", "undefended")
    assert found == SearchedRate(low=3.44e-05, high=3.265e-04, tried=13, best=4.716e-05, at_edge=True)
    assert found.position == "at an edge"


def test_a_rate_is_inside_where_half_a_doubling_beyond_it_was_tried_on_either_side() -> None:
    assert searched_rate(packed("attacks"), "direct-4798", "undefended").position == "inside"
    found = searched_rate(packed("attacks"), "direct-4798", "defended")
    assert (found.best, found.high, found.at_edge) == (9.751e-04, 9.876e-04, True)


@pytest.mark.parametrize("label", ["no such attack", "prefill"])
def test_of_an_attack_that_is_not_searched_no_rate_was_tried(label: str) -> None:
    found = searched_rate(packed("attacks"), label, "defended")
    assert (found.tried, found.best, found.position) == (0, None, "not searched")


def of_one_rate(curve: Curve) -> Curve:
    """The trial as if the rate had been left out of the space."""
    if curve.configuration is None:
        return curve
    written = curve.configuration.model_copy(update={"parameters": {**curve.configuration.parameters, "lr": 1e-4}})
    cells = tuple(cell.model_copy(update={"configuration": written}) for cell in curve.cells)
    return curve.model_copy(update={"cells": cells})


def test_one_rate_is_no_search() -> None:
    assay = packed("attacks")
    fixed = assay.model_copy(update={"curves": tuple(map(of_one_rate, assay.curves))})
    assert searched_rate(fixed, "direct-4798", "defended").position == "not searched"


def test_a_trial_that_failed_tried_its_rate() -> None:
    assay = packed("attacks")
    before = searched_rate(assay, "direct-4798", "defended")
    assert before.high is not None
    hot = next(c for c in assay.curves if c.trial and c.attack == "direct-4798" and c.subject == "defended")
    number = max(c.trial or 0 for c in assay.curves) + 1
    assert hot.configuration is not None
    parameters = {**hot.configuration.parameters, "lr": 2e-3, "trainable": {"kind": "full"}}
    configuration = hot.configuration.model_copy(update={"parameters": parameters})
    cells = tuple(c.model_copy(update={"configuration": configuration, "trial": number}) for c in hot.cells)
    failed = hot.model_copy(update={"cells": cells, "points": (), "failed": "diverged at step 1"})
    after = searched_rate(assay.model_copy(update={"curves": (*assay.curves, failed)}), "direct-4798", "defended")
    assert after.high == 2e-3
    assert after.position == "inside"
