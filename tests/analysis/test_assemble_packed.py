"""The assay of a packed study is that of its folder, whatever became of the cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.orders import orders, without_orders
from support.studies import begin, finish, search

from titer.analysis.assemble import assemble, assemble_packed
from titer.conclude import pack
from titer.data.identifiers import ProbeId
from titer.study.folder import Study
from titer.study.unpacking import read_packed

Data = dict[str, Any]


def as_it_is(data: Data) -> None:
    """Two seeds, two domains."""


def every_dose_a_cell(data: Data) -> None:
    data["attacker"]["attack"][0] |= {"schedule": "cosine"}


def some_diverge(data: Data) -> None:
    data["attacker"]["attack"] = [{"name": "direct", "lr": 1e30, "batch": 4, "optimizer": "sgd", "clip": 1e30}]


def makes_diverge(data: Data) -> None:
    data["defense"][0]["lr"] = 1e38
    data["study"] |= {"claim": "this method", "seeds": {"attack": 2, "defense": 2}}


def curtailed(data: Data) -> None:
    data["harm"]["sampling"] = "curtailed"
    data["compute"]["batch"] = 4
    for domain in data["harm"]["domain"]:
        domain["splits"]["probe"] = 48


def with_losses(data: Data) -> None:
    data["stability"] = {"tasks": ["plain"], "margin": 0.2}


def assembled(folder: Path, change: Callable[[Data], None]) -> Study:
    study = begin(folder, change)
    finish(study)
    pack(study, folder / "out")
    return study


@pytest.mark.parametrize(
    "change", [as_it_is, search, every_dose_a_cell, some_diverge, makes_diverge, curtailed, with_losses]
)
def test_a_packed_study_gives_the_assay_of_its_folder(change: Callable[[Data], None], tmp_path: Path) -> None:
    study = assembled(tmp_path, change)
    expected, found = assemble(study), assemble_packed(read_packed(tmp_path / "out"), tmp_path / "out")
    assert orders(found) == orders(expected)
    assert without_orders(found) == without_orders(expected)
    assert [list(point.values) for curve in found.curves for point in curve.points] == [
        list(point.values) for curve in expected.curves for point in curve.points
    ]
    assert {
        "as_it_is": len(expected.curves) > 10,
        "search": any(curve.trial is not None for curve in expected.curves),
        "every_dose_a_cell": len(study.read_cells()) > len(expected.curves),
        "some_diverge": any(curve.failed is not None for curve in expected.curves),
        "makes_diverge": len(expected.failed_makes) == 2,
        "curtailed": any(
            0 < len(column) < 48
            for c in expected.curves
            for p in c.points
            for probe, r in p.values.items()
            for column in r.values()
            if probe.kind == "harm"
        ),
        "with_losses": "loss" in expected.kinds[ProbeId("task:plain")],
    }[change.__name__]
