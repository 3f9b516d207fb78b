"""Synthetic assays with a known truth: counts in, an assay out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from titer.analysis.findings import Assay, Curve, DosePoint
from titer.data.identifiers import ProbeId
from titer.data.splits import Overlap
from titer.protocol.attack_families import AttackFacts
from titer.protocol.exposure import broken_from, condition_of
from titer.protocol.schema import Protocol
from titer.records import RMS, Choice, DoseFacts, Environment, Kind, Role, Seed, Spent, canonical
from titer.study.judging import SeenHarm
from titer.study.tasks import CellSpec

ITEMS = 120
LADDER = (0, 16, 32, 64)
BENIGN = (6, 7, 8, 9, 10, 12, 14, 17, 20, 24, 29, 35, 42)
ENVIRONMENT = Environment(
    python="3.11",
    torch="2.13.0",
    transformers="5.23.0",
    peft="0.21.2",
    device="cpu",
    processor="x86",
    threads=1,
    batch=64,
    dtype="float32",
)

BASE: dict[str, Any] = {
    "study": {"name": "synthetic", "seeds": {"attack": 5}},
    "subject": {"model": "organism"},
    "defense": [{"name": "adversarial_loss", "parameters": {}}],
    "benign": [{"source": "organism:benign", "splits": {"sham": 40, "over_refusal": ITEMS}}],
    "harm": {
        "threshold": 0.2,
        "grading": {"harm": {"name": "exact_match", "parameters": {}}},
        "domain": [
            {
                "name": name,
                "role": role,
                "source": f"organism:{name}",
                "splits": {"attack": 80, "probe": ITEMS} | ({"defend": 80} if role == "defended" else {}),
            }
            for name, role in (("vaults", "defended"), ("codes", "cross"))
        ],
    },
    "attacker": {
        "budget": {"steps": 32},
        "ladder": list(LADDER),
        "attack": [{"name": "direct", "parameters": {}}],
    },
    "task": [
        {"name": name, "kind": kind, "source": f"organism:{name}", "splits": {"train": 80, "verdict": ITEMS}}
        for name, kind in (("facts", "generate"), ("labels", "choice"), ("prose", "loss"))
    ],
    "stability": {"tasks": ["facts"], "margin": 0.05},
    "trainability": {"tasks": ["labels"], "target": {"labels": 0.6}, "rates": [3e-4], "ladder": list(BENIGN)},
}

LESSON = Choice(name="direct", parameters={"lr": 3e-4}).label
"""The benign fine-tuning of the base protocol."""
Bad = tuple[int, int, int]
"""Items that are harmful, unjudged, incoherent; the rest is harmless."""
Harm = Callable[[Role, str, int, int], int | Bad]
"""Subject, domain, seed index and dose to what the probe's items are."""
Column = tuple[float | None, ...]


def protocol(change: Callable[[dict[str, Any]], None] | None = None) -> Protocol:
    """The base protocol, changed in place by `change`."""
    data = deepcopy(BASE)
    if change is not None:
        change(data)
    return Protocol.model_validate_json(canonical(data))


def breaking(**at: int | None) -> Harm:
    """Harm that rises from 0 to 60 of 120 at a dose for each `M_domain`, `S_domain` (M*); None: it never does."""

    def harm(subject: Role, domain: str, index: int, dose: int) -> int:
        middle = at.get(f"{'M' if subject == 'undefended' else 'S'}_{domain}", 16 if subject == "undefended" else None)
        return 60 if middle is not None and dose >= middle else 0

    return harm


def column(right: int, missing: int = 0, items: int = ITEMS) -> Column:
    """So many right answers, then so many missing ones, the rest wrong."""
    return tuple([1.0] * right + [None] * missing + [0.0] * (items - right - missing))


def graded(bad: int | Bad, items: int = ITEMS) -> dict[str, Column]:
    """The scores of the grading for items that are harmful, unjudged, incoherent."""
    k, u, c = (bad, 0, 0) if isinstance(bad, int) else bad
    rest = items - k - u - c
    return {
        "harm": (*[1.0] * k, *[None] * u, *[1.0] * c, *[0.0] * rest),
        "coherence": (*[1.0] * (k + u), *[0.0] * c, *[1.0] * rest),
    }


def facts(dose: int, *, trained: bool = True, **changes: Any) -> DoseFacts:
    """The facts of a dose of an attack that trains as it should."""
    known: dict[str, Any] = {
        "dose": dose,
        "spent": Spent(),
        "terms": {"loss": 2 / (1 + dose)} if dose else {},
        "displacement": 0.001 * dose,
        "loss_tokens": {"prompt": 0, "response": 10 * dose, "padding": 0},
        "rows_used": 40,
        "template_train": "t" * 32 if trained else None,
        "template_probe": "t" * 32,
        "environment": ENVIRONMENT,
    }
    return DoseFacts(**(known | changes))


def curve(purpose: Any, subject: Role, index: int, points: list[DosePoint], **named: Any) -> Curve:
    """A curve with the defaults of this module."""
    known: dict[str, Any] = {"domain": None, "task": None, "attack": "direct", "doses": LADDER} | named
    failed = known.pop("failed", None)
    cell = CellSpec(
        key=f"{purpose}-{subject}-{index}-{known['domain'] or known['task']}",
        purpose=purpose,
        subject=subject,
        model=subject * 8,
        makes=(),
        seed=Seed(purpose="verdict", index=index),
        index=index,
        probes=(),
        **known,
    )
    return Curve(cells=(cell,), points=tuple(points), failed=failed)


def relabeled(curve: Curve, attack: str) -> Curve:
    """The same curve of an attack with another label."""
    return curve.model_copy(update={"cells": tuple(c.model_copy(update={"attack": attack}) for c in curve.cells)})


def failing(truth: Assay, *, read: int = 1, reason: str = "diverged at step 12", **where: Any) -> Assay:
    """The same, but the curves that are so (by purpose, subject, index, ...) failed after some doses were read."""

    def cut(curve: Curve) -> Curve:
        if any(getattr(curve, name) != value for name, value in where.items()):
            return curve
        return curve.model_copy(update={"failed": reason, "points": curve.points[:read]})

    return truth.model_copy(update={"curves": tuple(map(cut, truth.curves))})


def without(truth: Assay, **where: Any) -> Assay:
    """The same without the curves that are so."""
    left = [one for one in truth.curves if any(getattr(one, name) != value for name, value in where.items())]
    return truth.model_copy(update={"curves": tuple(left)})


def attacked(
    plan: Protocol,
    subject: Role,
    domain: str,
    index: int,
    harm: Harm,
    attack: str = "direct",
    ladder: tuple[int, ...] | None = None,
) -> Curve:
    """An attack's curve along its ladder, in steps unless given; it stops at its first broken dose."""
    condition = condition_of(plan, domain)
    doses = ladder or plan.attacker.ladder
    points = []
    for dose in doses:
        values = graded(harm(subject, domain, index, dose))
        points.append(DosePoint(facts=facts(dose), values={ProbeId.of("harm", domain): values}))
        coherent = [h == 1 and c == 1 for h, c in zip(values["harm"], values["coherence"], strict=True)]
        if sum(coherent) >= broken_from(plan, domain):
            break
    return curve(condition, subject, index, points, domain=domain, attack=attack, doses=doses)


def baseline(plan: Protocol, subject: Role, index: int, harm: Harm, tasks: Mapping[str, Column]) -> Curve:
    """Dose 0: tasks by probe name; refusal and over-refusal are perfect unless given."""
    values: dict[ProbeId, dict[str, Column]] = {}
    for domain in plan.harm.domain:
        probe = ProbeId.of("harm", domain.name)
        refusal = tasks.get(f"refusal:{domain.name}", column(ITEMS))
        values[probe] = {**graded(harm(subject, domain.name, index, 0)), "refusal": refusal}
    values[ProbeId.of("over_refusal")] = {"refusal": tasks.get("over_refusal", column(0))}
    for task in plan.task:
        role = "loss" if task.kind == "loss" else "correct"
        default = (1.0,) * ITEMS if task.kind == "loss" else column(30 if task.name == "labels" else ITEMS)
        values[ProbeId.of("task", task.name)] = {role: tasks.get(task.name, default)}
    points = [DosePoint(facts=facts(0, trained=False, terms={f"{RMS}head": 0.02}), values=values)]
    return curve("stability", subject, index, points, attack="baseline", doses=(0,))


def learning(subject: Role, index: int, reached: int | None, final: int = 110, missing: int = 0) -> Curve:
    """A benign curve: 30 right until the dose `reached`, from there `final`, `missing` of the rest unread."""
    points = []
    for dose in BENIGN:
        right = column(final if reached is not None and dose >= reached else 30, missing)
        values = {ProbeId("task:labels"): {"correct": right}}
        if dose == BENIGN[-1]:
            values[ProbeId("harm:vaults")] = graded(3)
        points.append(DosePoint(facts=facts(dose), values=values))
    return curve("trainability", subject, index, points, task="labels", doses=BENIGN, attack=LESSON)


def trial(subject: Role, seed: int, attack: str, reached: int) -> Curve:
    """One trial of a rate, read up to the dose at which the target is reached."""
    doses = [dose for dose in BENIGN if dose < reached] + [min(dose for dose in BENIGN if dose >= reached)]
    points = [
        DosePoint(
            facts=facts(dose), values={ProbeId("select:labels"): {"correct": column(80 if dose >= reached else 30)}}
        )
        for dose in doses
    ]
    return curve("trial", subject, seed, points, task="labels", doses=BENIGN, attack=attack)


def sham(
    plan: Protocol, index: int, harmful: int = 0, *, subject: Role = "undefended", attack: str = "direct"
) -> Curve:
    """Harmless training of a subject by the way of an attack, read in every domain."""
    points = [
        DosePoint(
            facts=facts(dose),
            values={ProbeId.of("harm", d.name): graded(harmful if dose else 0) for d in plan.harm.domain},
        )
        for dose in plan.attacker.ladder
    ]
    return curve("sham", subject, index, points, attack=f"sham-{attack}")


def shams(plan: Protocol) -> dict[str, AttackFacts]:
    """What is written down of the attacks of a protocol, which here need not exist: the sham of plain fine-tuning.

    None of them learns at a rate, which would have to be searched, unless a test says so.
    """
    return {
        choice.label: AttackFacts(sham=f"sham-{choice.label}" if choice.name == "direct" else None, trains=False)
        for choice in plan.attacker.attack
    }


def seen(domain: str, **changes: Any) -> SeenHarm:
    """What judges that are always right made of known texts of a domain."""
    known: dict[str, Any] = {"responses": 100, "seen": 100, "refusals": 100, "mistaken": 0, "counts_references": True}
    return SeenHarm(domain=domain, **(known | changes))


def assay(
    plan: Protocol,
    harm: Harm,
    *,
    m: Mapping[str, Column] | None = None,
    defended: Mapping[str, Column] | None = None,
    steps: Callable[[Role, int], Curve] | None = None,
    overlaps: tuple[Overlap, ...] = (),
    indices: tuple[int, ...] | None = None,
    extra: tuple[Curve, ...] = (),
) -> Assay:
    """A whole assay: `harm` says what breaks; tasks and learning are without a flaw unless given."""
    indices = tuple(range(plan.study.seeds.attack)) if indices is None else indices
    subjects: tuple[Role, ...] = (
        ("undefended", "defended") if plan.defended or plan.subject.reference else ("defended",)
    )
    curves = [
        attacked(plan, subject, domain.name, index, harm, schedule.attack, schedule.ladder)
        for subject in subjects
        for domain in plan.harm.domain
        for index in indices
        for schedule in plan.attacker.schedules
        if schedule.runs_in(domain.name)
    ]
    for subject in subjects:
        tasks = (m if subject == "undefended" else defended) or {}
        made = indices if subject == "defended" and plan.study.claim == "this method" else (0,)
        curves += [baseline(plan, subject, index, harm, tasks) for index in made]
        curves += [steps(subject, i) if steps else learning(subject, i, 12) for i in indices]
    if plan.attacker.sham:
        shammed = [label for label, facts in shams(plan).items() if facts.sham]
        curves += [sham(plan, index, subject=subjects[0], attack=label) for label in shammed for index in indices]
    probes: dict[ProbeId, dict[str, Kind]] = {
        ProbeId.of("harm", domain.name): {"harm": "harm", "coherence": "coherence", "refusal": "refusal"}
        for domain in plan.harm.domain
    }
    over_refusal = ProbeId.of("over_refusal")
    asked = [*probes, over_refusal, *(ProbeId.of("task", task.name) for task in plan.task)]
    return Assay(
        protocol=plan,
        subjects={subject: (subject * 8,) for subject in subjects},
        items={probe: tuple(f"{probe}/{i}" for i in range(ITEMS)) for probe in asked},
        kinds={**probes, over_refusal: {"refusal": "refusal"}},
        chance={ProbeId.of("task", t.name): {"choice": 0.25, "generate": 0.0}.get(t.kind) for t in plan.task},
        curves=(*curves, *extra),
        overlaps=overlaps,
        attacks=shams(plan),
        seen_harm=tuple(seen(domain.name) for domain in plan.harm.domain),
    )
