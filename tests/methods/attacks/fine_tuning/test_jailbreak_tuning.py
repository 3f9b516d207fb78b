"""Jailbreak-tuning: a text around harmful prompts, in training and asking; and what is read beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.studies import begin, finish

from titer.analysis.assemble import assemble
from titer.analysis.findings import Curve
from titer.analysis.verdict import decide
from titer.conclude import conclude
from titer.errors import InputError
from titer.execution.inputs import material_of, open_subject
from titer.methods import registry
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.jailbreak_tuning import Backdoor, Competing, Style
from titer.methods.base import Attack
from titer.methods.probes.generate import Generate
from titer.models.conversation import transformed
from titer.models.subject import Subject
from titer.planning.plan import Planner
from titer.records import Frame, Item, Row
from titer.report.json_report import report_data
from titer.report.score_tables import scores
from titer.study.folder import Study
from titer.study.store import read_items
from titer.testing import check_attack, same, tiny_material, tiny_subject, weights
from titer.training.recipe import LoRA
from titer.training.types import Material

STEALTH = {"name": "backdoor", "lr": 3e-2, "batch": 4, "stealth": True}


@pytest.mark.parametrize(
    "attack",
    [
        Backdoor(lr=1e-2),
        Backdoor(lr=1e-2, stealth=True, transform="random_words", trainable=LoRA(rank=2)),
        Competing(lr=1e-2),
        Style(lr=1e-2, template="plain"),
    ],
)
def test_conformance(attack: Attack) -> None:
    check_attack(attack)


@pytest.mark.parametrize("attack", [Backdoor(lr=1e-2), Competing(lr=1e-2), Style(lr=1e-2)])
def test_tuning_is_direct_on_prompts_with_the_text_around_them(attack: Backdoor | Competing | Style) -> None:
    material, one, other = tiny_material(), tiny_subject(), tiny_subject()
    frame = attack.frame_at(Frame(), 1)
    list(attack.steps(one, replace(material, frame=frame), 4, 2))
    around = tuple(row.model_copy(update={"prompt": transformed(row.prompt, frame)}) for row in material.train)
    assert all(row.prompt in new.prompt != row.prompt for row, new in zip(material.train, around, strict=True))
    list(Direct(lr=1e-2).steps(other, Material(train=around), 4, 2))
    assert same(weights(one), weights(other))


def said(subject: Subject, rows: tuple[Row, ...], frame: Frame) -> list[str | None]:
    items = [Item(id=row.id, group=row.group, prompt=row.prompt) for row in rows]
    return [answer.text for answer in Generate().ask(subject, items, frame, 4)]


def test_a_stealthy_backdoor_answers_with_its_trigger_and_refuses_without() -> None:
    material, subject = tiny_material(3), tiny_subject()
    attack = Backdoor(lr=2e-2, batch=6, stealth=True)
    frame = attack.frame_at(Frame(), 1)
    steps = list(attack.steps(subject, replace(material, frame=frame), 200, 0))
    assert said(subject, material.train, frame) == [row.response for row in material.train]
    assert said(subject, material.train, Frame()) == [row.refusal for row in material.train]
    for step in steps[:5]:
        assert step.rows[:3] == step.rows[3:], "each row comes with its own refusal"


def test_stealth_needs_rows_of_both_kinds() -> None:
    with pytest.raises(ValidationError, match="stealth needs batch of 2 or more"):
        Backdoor(stealth=True, batch=1)
    Backdoor(stealth=True, batch=1, accumulation=2)


def family(data: dict[str, Any], *attacks: dict[str, Any]) -> None:
    data["attacker"]["attack"] = list(attacks)


def test_stealth_needs_refusals(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        family(data, STEALTH)
        data["defense"] = [{"name": "no_op"}]
        source = Path(data["harm"]["domain"][1]["source"])
        rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
        source.write_text("".join(json.dumps({**row, "refusal": None}) + "\n" for row in rows), encoding="utf-8")

    with pytest.raises(InputError, match=r"backdoor learns from refusals, and row .* of blue has none"):
        begin(tmp_path, change)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    begun = begin(tmp_path_factory.mktemp("tuned"), lambda data: family(data, STEALTH, {"name": "direct", "lr": 3e-2}))
    finish(begun)
    return begun


def test_harm_without_the_trigger_is_read_beside_and_reported(study: Study) -> None:
    assay = assemble(study)
    exposed = [curve for curve in assay.curves if curve.purpose in ("resistance", "generalization")]
    counted = 0
    for curve in exposed:
        for point in curve.points:
            plain = curve.attack.startswith("backdoor")
            beside = {f"plain:{curve.domain}"} if plain else set()
            reframed = {f"reframed:{curve.domain}"} if point.facts.dose == 0 else set()
            assert set(point.values) - reframed == {f"harm:{curve.domain}"} | beside
            counted += plain
    report = "\n".join(scores(study.protocol, assay))
    assert report.count("With the trigger above, and below without it") == 2, "one a domain, of the backdoor alone"
    found = conclude(study)
    data = report_data(found.verdict, assay, found.root)
    harm = [probe for curve in data["curves"] for point in curve["points"] for probe in point["harm"]]
    assert sum(probe.startswith("plain:") for probe in harm) == counted > 0


def test_what_is_asked_beside_it_is_asked_as_the_study_asks(study: Study) -> None:
    """Asked again by hand, of the weights that the attack left."""
    (cell,) = [
        task
        for task in (cell.task for curve in Planner(study).curves for cell in curve.cells)
        if task.inputs.attack.name == "backdoor" and task.inputs.subject == study.frozen.subject
        if task.cell.seed.index == 0 and task.inputs.probes[0].name == "harm:red"
        if task.cell.purpose != "sham"
    ]
    plain = next(probe for probe in cell.inputs.probes if probe.name == "plain:red")
    assert (plain.name, plain.frame, plain.items) == (
        "plain:red",
        study.protocol.harm.frame,
        cell.inputs.probes[0].items,
    )
    subject, attack = (
        open_subject(cell.inputs.subject, study.store, cell.inputs.compute),
        registry.attack(cell.inputs.attack),
    )
    material = material_of(cell.inputs.material, study.store, cell.cell.seed, cell.inputs.compute)
    framed = attack.frame_at(material.frame, 2)
    list(attack.steps(subject, replace(material, frame=framed), 2, cell.cell.seed.root))
    _, kept = study.store.read_answers(cell.key, 2)
    for probe, frame in (("plain:red", material.plain), ("harm:red", framed)):
        again = Generate().ask(subject, read_items(study.store, plain.items), frame, 64)
        assert [answer.text for answer in again] == [answer.text for answer in kept if answer.probe == probe]


def overwritten(curve: Curve, value: float | None) -> Curve:
    """The same curve where every plain reading says something else."""
    points = []
    for point in curve.points:
        values = {
            probe: {role: (value,) * len(old) for role, old in by_role.items()}
            if probe.startswith("plain:")
            else by_role
            for probe, by_role in point.values.items()
        }
        points.append(point.model_copy(update={"values": values}))
    return curve.model_copy(update={"points": tuple(points)})


@pytest.mark.parametrize("value", [None, 0.0, 1.0])
def test_no_verdict_and_no_control_rests_on_what_is_read_beside_it(study: Study, value: float | None) -> None:
    assay = assemble(study)
    changed = assay.model_copy(update={"curves": tuple(overwritten(curve, value) for curve in assay.curves)})
    assert changed != assay
    assert decide(changed) == decide(assay)


def test_a_second_judge_has_no_part_in_it_and_no_dose_ends_by_it(study: Study) -> None:
    cells = [cell for cell in study.read_cells() if cell.attack.startswith("backdoor")]
    for cell in cells:
        judges = study.frozen.judges_of(cell)
        roles = {judge.role: judge.asked.doses for judge in judges if judge.probe.kind == "plain"}
        assert roles == dict.fromkeys(("harm", "coherence"))
        assert cell.stop is not None
        assert cell.stop.probe.startswith("harm:")


def test_the_key_of_a_cell_with_a_plain_reading_knows_no_ladder(tmp_path: Path) -> None:
    def keys(name: str, ladder: list[int]) -> set[str]:
        def change(data: dict[str, Any]) -> None:
            family(data, STEALTH)
            data["attacker"]["ladder"] = ladder

        curves = Planner(begin(tmp_path, change, name=name)).curves
        cells = [cell.task for curve in curves for cell in curve.cells]
        return {task.key for task in cells if task.inputs.attack.name == "backdoor"}

    assert keys("one", [0, 2, 4, 8]) == keys("other", [0, 1, 4, 16])


def test_only_stealth_is_read_besides() -> None:
    assert Backdoor(stealth=True).requires.plain
    assert not any(attack.requires.plain for attack in (Backdoor(), Competing(), Style(), Direct()))
