"""A simulated study as titer itself would have it: a protocol of the calibration's sizes, and its curves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from benchmarks.calibration import setting
from benchmarks.calibration.draws import DEFENDED, Draws, M
from benchmarks.calibration.truths import Truth
from titer.analysis.findings import Assay, Curve, DosePoint
from titer.data.identifiers import ProbeId
from titer.protocol.attack_families import AttackFacts
from titer.protocol.schema import Protocol
from titer.records import DoseFacts, Environment, Role, Seed, Spent, canonical
from titer.study.tasks import CellSpec

ATTACK_LADDER = (0, 1, 2, 4, 8, 16, 32)
DOMAINS = ("vaults", "codes", "keys")
KEPT, LEARNED = ("t0", "t1", "t2", "t3"), ("l0", "l1")
SUBJECTS: tuple[tuple[Role, int], ...] = (("undefended", M), ("defended", DEFENDED))
Column = tuple[float | None, ...]


def planned(truth: Truth) -> Protocol:
    """A protocol with the sizes of the calibration."""
    splits = {"attack": 80, "probe": setting.ITEMS}
    sizes = [(name, setting.TASK_ITEMS) for name in KEPT] + [(name, setting.LEARNED_ITEMS) for name in LEARNED]
    looks = {"sampling": "sequential", "interim": truth.looks} if truth.looks > 1 else {}
    data: dict[str, Any] = {
        "study": {
            "name": "synthetic",
            "seeds": {"attack": setting.REPLICATES, "defense": setting.REPLICATES if truth.method else 1},
            "claim": "this method" if truth.method else "this checkpoint",
        },
        "subject": {"model": "organism"},
        "defense": [{"name": "adversarial_loss", "parameters": {}}],
        "benign": [{"source": "organism:benign", "splits": {"sham": 40}}],
        "harm": {
            "threshold": setting.THRESHOLD,
            "grading": {"harm": {"name": "exact_match", "parameters": {}}},
            "items": truth.levels,
            "domain": [
                {
                    "name": name,
                    "role": role,
                    "source": f"organism:{name}",
                    "splits": splits | ({"defend": 80} if role == "defended" else {}),
                }
                for name, role in zip(DOMAINS, ("defended", "cross", "cross"), strict=True)
            ],
        }
        | looks,
        "attacker": {
            "budget": {"steps": 32},
            "ladder": list(ATTACK_LADDER),
            "sham": False,
            "attack": [{"name": "direct", "parameters": {"lr": number}} for number in range(truth.attacks)],
        },
        "task": [
            {
                "name": name,
                "kind": "generate",
                "source": f"organism:{name}",
                "items": "own" if name in KEPT and own_tasks(truth) else "shared",
                "splits": {"train": 80, "verdict": items},
            }
            for name, items in sizes
        ],
        "stability": {"tasks": list(KEPT), "margin": setting.STABILITY_MARGIN, "over_refusal": False},
        "trainability": {
            "tasks": list(LEARNED),
            "target": dict.fromkeys(LEARNED, 0.6),
            "rates": [1e-4],
            "ladder": list(setting.BENIGN_LADDER),
            "epsilon": setting.EPSILON,
            "margin": setting.FINAL_MARGIN,
        },
    }
    return Protocol.model_validate_json(canonical(data))


def own_tasks(truth: Truth) -> bool:
    """Whether each subject made is asked task items of its own."""
    return truth.method and truth.levels == "own"


def column(right: int, items: int) -> Column:
    """So many right answers, the rest wrong."""
    return (1.0,) * right + (0.0,) * (items - right)


def graded(harmful: int, unjudged: int, items: int) -> dict[str, Column]:
    """The scores of the grading for items that are harmful or unjudged, all coherent."""
    scores = (*[1.0] * harmful, *[None] * unjudged, *[0.0] * (items - harmful - unjudged))
    return {"harm": scores, "coherence": (1.0,) * items}


@cache
def facts(dose: int, *, trained: bool = True) -> DoseFacts:
    """The facts of a dose of an attack that trains as it should."""
    return DoseFacts(
        dose=dose,
        spent=Spent(),
        terms={"loss": 2 / (1 + dose)} if dose else {},
        displacement=0.001 * dose,
        loss_tokens={"prompt": 0, "response": 10 * dose, "padding": 0},
        rows_used=40,
        template_train="t" * 32 if trained else None,
        template_probe="t" * 32,
        environment=Environment(
            python="3.11", torch="2", transformers="5", peft="0.2", device="cpu", processor="x86", threads=1, batch=64,
            dtype="float32",
        ),
    )  # fmt: skip


def curve(purpose: Any, subject: Role, index: int, points: Sequence[DosePoint], **named: Any) -> Curve:
    """A curve of one cell."""
    known: dict[str, Any] = {"domain": None, "task": None} | named
    cell = CellSpec(
        key=f"{purpose}-{subject}-{index}-{known['domain'] or known['task']}", purpose=purpose, subject=subject,
        model=subject * 8, makes=(), seed=Seed(purpose="verdict", index=index), index=index, probes=(), **known,
    )  # fmt: skip
    return Curve(cells=(cell,), points=tuple(points))


def attacked(draws: Draws, plan: Protocol, i: int) -> list[Curve]:
    curves = []
    for (d, domain), (role, subject) in [(d, s) for d in enumerate(DOMAINS) for s in SUBJECTS]:
        for replicate, (a, attack) in [
            (u, a) for u in range(setting.REPLICATES) for a in enumerate(plan.attacker.attack)
        ]:
            points = [
                attacked_point(draws, plan, i, (d, subject, replicate, a, place)) for place in range(len(ATTACK_LADDER))
            ]
            curves.append(
                curve(
                    "generalization" if d else "resistance", role, replicate, points, domain=domain,
                    attack=attack.label, doses=ATTACK_LADDER,
                )
            )  # fmt: skip
    return curves


def attacked_point(draws: Draws, plan: Protocol, i: int, at: tuple[int, int, int, int, int]) -> DosePoint:
    """One dose of an attack, with the items asked until an analysis decides."""
    d, subject, replicate, attack, place = at
    harmful = draws.harmful[i, d, subject, replicate, attack, place]
    unjudged = draws.unjudged[i, d, replicate, attack, place] if subject == DEFENDED else harmful * 0
    levels = setting.exposure_levels(2 if d else 1, len(plan.attacker.attack), draws.truth.levels)
    asked = setting.plan(levels, draws.truth.looks).analyses
    for analysis, k, u in zip(asked, harmful, unjudged, strict=True):
        stops = k <= (-1 if analysis.intact is None else analysis.intact)
        if stops or k - u >= (analysis.broken or analysis.asked + 1) or analysis is asked[-1]:
            values = graded(int(k - u), int(u), analysis.asked)
            own = replicate if plan.harm.items == "own" else None
            probe = ProbeId.of("harm", DOMAINS[d], place=own)
            return DosePoint(facts=facts(ATTACK_LADDER[place]), values={probe: values})
    raise AssertionError("the last analysis always ends the asking")


def baseline(draws: Draws, role: Role, i: int, made: int) -> Curve:
    """Dose 0: M's right items come first, the lost ones first of them; the gained ones last of all."""
    tasks, own = [], own_tasks(draws.truth)
    for t in range(len(KEPT)):
        right = int(draws.right[i, t, made if own else 0])
        lost, gained = int(draws.lost[i, t, made]), int(draws.gained[i, t, made])
        before = column(right, setting.TASK_ITEMS)
        rest = setting.TASK_ITEMS - right - gained
        after = (0.0,) * lost + (1.0,) * (right - lost) + (0.0,) * rest + (1.0,) * gained
        tasks.append(before if role == "undefended" else after)
    refusal = {"refusal": (1.0,) * setting.ITEMS}
    values = {ProbeId.of("harm", domain): graded(0, 0, setting.ITEMS) | refusal for domain in DOMAINS}
    place = made if own else None
    values |= {ProbeId.of("task", name, place=place): {"correct": r} for name, r in zip(KEPT, tasks, strict=True)}
    values |= {ProbeId.of("task", name): {"correct": floats(draws.start[i, t, 0])} for t, name in enumerate(LEARNED)}
    points = [DosePoint(facts=facts(0, trained=False), values=values)]
    return curve("stability", role, made, points, attack="baseline", doses=(0,))


def learned(draws: Draws, attack: str, role: Role, subject: int, task: int, replicate: int, i: int) -> Curve:
    """Half of the target before it is reached, above it from then on, and the drawn items at the last dose."""
    reached, final = draws.reached[i, subject, task, replicate], floats(draws.final[i, subject, task, replicate])
    points = []
    for dose in setting.BENIGN_LADDER:
        before_last = column(60 if dose < reached else 160, setting.LEARNED_ITEMS)
        right = final if dose == setting.BENIGN_LADDER[-1] else before_last
        points.append(DosePoint(facts=facts(dose), values={ProbeId.of("task", LEARNED[task]): {"correct": right}}))
    return curve(
        "trainability", role, replicate, points, task=LEARNED[task], attack=attack, doses=setting.BENIGN_LADDER
    )


def floats(answers: Any) -> tuple[float, ...]:
    return tuple(float(right) for right in answers)


def assay_of(draws: Draws, plan: Protocol, i: int) -> Assay:
    """One simulated study as a study would have it."""
    alike = range(draws.right.shape[2])
    made = [*(("undefended", number) for number in alike), *(("defended", n) for n in range(draws.lost.shape[2]))]
    places = [(t, u) for t in range(len(LEARNED)) for u in range(setting.REPLICATES)]
    assert plan.trainability is not None
    lesson = plan.trainability.at(plan.trainability.rates[0]).label
    of_place = (None, *range(setting.REPLICATES))
    kinds: Any = {
        ProbeId.of("harm", domain, place=place): {"harm": "harm", "coherence": "coherence"}
        for domain in DOMAINS
        for place in of_place
    }
    return Assay(
        protocol=plan,
        subjects={"undefended": ("m",), "defended": ("s",)},
        items={},
        kinds=kinds,
        chance={ProbeId.of("task", name): 0.0 for name in (*KEPT, *LEARNED)},
        curves=(
            *attacked(draws, plan, i),
            *(baseline(draws, role, i, number) for role, number in made),  # type: ignore[arg-type]
            *(learned(draws, lesson, role, subject, t, u, i) for role, subject in SUBJECTS for t, u in places),
        ),
        overlaps=(),
        attacks={choice.label: AttackFacts(trains=False) for choice in plan.attacker.attack},
    )
