"""An attack may be run in some domains alone: there it is planned, counted and named, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.full_protocol import full, set_at
from support.studies import begin, finish

from titer.analysis.assemble import assemble
from titer.analysis.conditions.harm_decisions import replicates_of
from titer.conclude import conclude
from titer.errors import InputError
from titer.planning.plan import plan
from titer.protocol.exposure import levels_of
from titer.protocol.loading import parse
from titer.records import Role
from titer.study.folder import Study

EVERYWHERE = {"name": "direct", "lr": 3e-2, "batch": 4}
IN_RED = {"name": "few_shot", "lr": 3e-2, "batch": 4, "shots": 5, "domains": ["red"]}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study with an attack everywhere and one in the defended domain; no test may change it."""

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [EVERYWHERE, IN_RED]
        data["attacker"]["ladder"] = [0, 4, 8]

    study = begin(tmp_path_factory.mktemp("done"), change)
    finish(study)
    return study


def test_an_attack_is_planned_in_its_domains_alone(done: Study) -> None:
    cells = [cell for cell in done.read_cells() if cell.purpose in ("resistance", "generalization")]
    everywhere, in_red = (choice.label for choice in done.protocol.attacker.attack)
    assert {cell.domain for cell in cells if cell.attack == everywhere} == {"red", "blue"}
    assert {cell.domain for cell in cells if cell.attack == in_red} == {"red"}
    shams = {cell.attack: {at.probe.name for at in cell.probes} for cell in done.read_cells() if cell.purpose == "sham"}
    assert shams == {"sham": {"red", "blue"}} or shams[done.frozen.attacks[in_red].sham or ""] == {"red"}


def test_its_doses_are_decisions_of_the_condition_in_which_it_runs(done: Study) -> None:
    assert levels_of(done.protocol, "resistance").decisions == 2 * 2  # doses 0 and 4 of both
    assert levels_of(done.protocol, "generalization").decisions == 2


@pytest.mark.parametrize("role", ["undefended", "defended"])
def test_a_replicate_has_no_curve_where_it_is_not_run(done: Study, role: Role) -> None:
    assay = assemble(done)
    in_red = done.protocol.attacker.attack[1].label
    for replicate in replicates_of(assay, "resistance", role):
        assert {(curve.attack, curve.domain) for curve in replicate.curves if curve.attack == in_red} == {
            (in_red, "red")
        }
    for replicate in replicates_of(assay, "generalization", role):
        assert {curve.domain for curve in replicate.curves} == {"blue"}
        assert len(replicate.curves) == 1
        assert None not in replicate.curves[0].decisions[:1]


def test_the_verdict_says_where_it_was_run(done: Study) -> None:
    verdict = conclude(done).verdict
    label = done.protocol.attacker.attack[1].label
    assert verdict.scope[f"domains of {label}"] == ["red"]
    figures = {line.what for control in verdict.controls for line in control.figures}
    assert not any(label in what and "blue" in what for what in figures)


def test_domains_are_no_parameter_so_that_cells_keep_their_keys() -> None:
    data = full()
    everywhere = {key: value for key, value in IN_RED.items() if key != "domains"}
    data["attacker"]["attack"] = [everywhere, {**EVERYWHERE, "domains": ["near"]}]
    all_domains, in_near = parse(data).attacker.attack
    data["attacker"]["attack"] = [{**everywhere, "domains": ["near", "far"]}]
    (named,) = parse(data).attacker.attack
    assert (named.label, named.parameters) == (all_domains.label, all_domains.parameters)
    assert in_near.parameters == {"lr": 3e-2, "batch": 4}


@pytest.mark.parametrize(
    ("attacks", "place", "problem"),
    [
        ([{"name": "direct", "domains": ["nowhere"]}], "attacker.attack.0.domains", "no domain is named 'nowhere'"),
        ([{"name": "direct", "domains": ["near"]}], "harm.domain.1", "no attack is run in 'far'"),
        ([{"name": "direct", "domains": []}], "attacker.attack.0.domains", "at least 1 item"),
    ],
)
def test_domains_that_make_no_sense_are_refused(attacks: list[dict[str, Any]], place: str, problem: str) -> None:
    data = full()
    set_at(data, "attacker.attack", attacks)
    with pytest.raises(InputError) as error:
        parse(data)
    assert error.value.place == place
    assert problem in error.value.problem


def test_a_seed_at_which_an_attack_has_no_curve_has_no_sham_of_it(tmp_path: Path) -> None:
    """An index of generalization alone, which took the place of another: there the attack on `red` is not run."""

    def change(data: dict[str, Any]) -> None:
        data["attacker"]["attack"] = [EVERYWHERE, {**EVERYWHERE, "lr": 2e-2, "domains": ["red"]}]

    study = begin(tmp_path, change)
    for cell in plan(study).cells:
        if (cell.purpose, cell.index) == ("generalization", 1):
            study.store.write_failure(cell.key, "diverged at step 3")
    finish(study)
    everywhere, in_red = (f"sham-{choice.label}" for choice in study.protocol.attacker.attack)
    shams = [cell for cell in study.read_cells() if cell.purpose == "sham" and cell.subject == "undefended"]
    asked = {(cell.attack, cell.index): {at.probe.name for at in cell.probes} for cell in shams}
    assert asked == {
        (everywhere, 0): {"red", "blue"},
        (everywhere, 1): {"red"},
        (everywhere, 2): {"blue"},
        (in_red, 0): {"red"},
        (in_red, 1): {"red"},
    }
