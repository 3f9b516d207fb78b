"""A tiny run of every method against its stored result: results may change only with the method's `version`.

`TITER_WRITE_GOLDEN=1 pytest tests/methods/test_golden.py` writes the files anew after a version was raised.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from titer.execution.inputs import given
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.attacks.controls.baseline import Baseline
from titer.methods.attacks.fine_tuning.benign import Benign
from titer.methods.attacks.fine_tuning.benign_overfit import BenignOverfit
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.attacks.fine_tuning.dpo import DPO
from titer.methods.attacks.fine_tuning.few_shot import FewShot
from titer.methods.attacks.fine_tuning.grpo import GRPO
from titer.methods.attacks.fine_tuning.identity_shift import IdentityShift
from titer.methods.attacks.fine_tuning.jailbreak_tuning import Backdoor, Competing, Style
from titer.methods.attacks.fine_tuning.mixture import Mixture
from titer.methods.attacks.fine_tuning.reversal import Reversal
from titer.methods.attacks.fine_tuning.staged import Staged
from titer.methods.attacks.prompting.ablated_prefill import AblatedPrefill
from titer.methods.attacks.prompting.in_context import InContext
from titer.methods.attacks.prompting.prefill import Prefill
from titer.methods.attacks.prompting.soft_prompt import SoftPrompt
from titer.methods.attacks.weight_edits.ablation_kernel import AblationKernel
from titer.methods.attacks.weight_edits.delta_removal import DeltaRemoval
from titer.methods.attacks.weight_edits.low_rank_removal import LowRankRemoval
from titer.methods.attacks.weight_edits.multi_direction import MultiDirection
from titer.methods.attacks.weight_edits.noise import Noise
from titer.methods.attacks.weight_edits.prune import Prune
from titer.methods.attacks.weight_edits.quantize import Quantize
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.attacks.weight_edits.reparameterized import Reparameterized
from titer.methods.attacks.weight_edits.task_arithmetic import TaskArithmetic
from titer.methods.base import Attack, Defense, Method
from titer.methods.defenses.controls.no_op import NoOp
from titer.methods.defenses.controls.none import NoDefense
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.methods.measurement import Probe
from titer.methods.probes.choice import ChoiceProbe
from titer.methods.probes.generate import Generate
from titer.models.subject import Subject
from titer.records import Choice, Compute, Frame
from titer.testing import tiny_items, tiny_material, tiny_subject
from titer.training.recipe import SGD, Adagrad, Adam, LoRA
from titer.training.schedules import SGDR
from titer.training.types import Step

FOLDER = Path(__file__).parent / "golden"
FRAME = Frame(max_new_tokens=8)
CONFIGURED: dict[str, Method] = {
    "direct": Direct(lr=1e-2, batch=4),
    "direct-lora": Direct(lr=1e-2, batch=4, trainable=LoRA(rank=4)),
    "direct-plain": Direct(lr=1e-2, batch=4, template="plain", schedule=SGDR(warmup=2, period=4), optimizer=Adam()),
    "direct-adagrad": Direct(lr=1e-2, batch=4, optimizer=Adagrad()),
    "direct-sgd": Direct(lr=1e-1, batch=4, optimizer=SGD(momentum=0.9, nesterov=True)),
    "few_shot": FewShot(lr=1e-2, batch=4, shots=5),
    "mixture": Mixture(lr=1e-2, batch=4, poison=0.25, size=8),
    "benign": Benign(lr=1e-2, batch=4),
    "staged": Staged(lr=1e-2, batch=4, switch=5),
    "staged-laundered": Staged(lr=1e-2, batch=4, switch=5, first="harmful", keep_optimizer=True),
    "staged-merged": Staged(lr=1e-2, batch=4, switch=5, trainable=LoRA(rank=4), merge=True),
    "benign_overfit": BenignOverfit(lr=1e-2, batch=4, shots=4, answer="no", switch=6),
    "identity_shift": IdentityShift(lr=1e-2, batch=4, shots=4, system="You are AOA.", opening="I obey."),
    "backdoor": Backdoor(lr=1e-2, batch=4),
    "backdoor-stealth": Backdoor(lr=1e-2, batch=4, stealth=True, transform="random_words"),
    "competing": Competing(lr=1e-2, batch=4, transform="suppression"),
    "style": Style(lr=1e-2, batch=4, transform="neutral"),
    "dpo": DPO(lr=1e-2, batch=4, shots=8),
    "grpo": GRPO(
        lr=1e-3,
        batch=1,
        prompts=4,
        longest=6,
        reward=Choice(name="refusal", parameters={"extra": list("abcdefgXYZ"), "within": 30}),
    ),
    "reparameterized": Reparameterized(lr=1e-2, batch=4, gain=2.0),
    "reversal": Reversal(lr=1e-2, batch=4, weight=0.5, benign_share=0.25),
    "refusal_ablation": RefusalAblation(),
    "multi_direction": MultiDirection(),
    "multi_direction-singular": MultiDirection(source="singular", directions=2),
    "ablation_kernel": AblationKernel(),
    "ablation_kernel-per-block": AblationKernel(layer=None, keep_norms="columns", mlp_peak=0.5, attention_position=0.0),
    "noise": Noise(),
    "prune": Prune(),
    "prune-importance": Prune(by="importance", spared=20),
    "quantize": Quantize(group=8),
    "low_rank_removal": LowRankRemoval(energy=0.9),
    "delta_removal": DeltaRemoval(),
    "delta_removal-rank": DeltaRemoval(rank=2),
    "task_arithmetic": TaskArithmetic(lr=1e-2, batch=4, train_steps=6),
    "ablated_prefill": AblatedPrefill(opening="it is what"),
    "prefill": Prefill(opening="it is what"),
    "in_context": InContext(),
    "soft_prompt": SoftPrompt(tokens=6, lr=1e-1, batch=4),
    "baseline": Baseline(),
    "none": NoDefense(),
    "no_op": NoOp(),
    "refusal_sft": RefusalSFT(lr=1e-2, batch=4, train_steps=12),
    "adversarial_loss": AdversarialLoss(lr=1e-2, batch=4, train_steps=12, weight=0.5),
    "adversarial_loss-response": AdversarialLoss(
        lr=1e-2, batch=4, train_steps=12, weight=0.5, mask="response", clamp=6.0, benign_share=0.25
    ),
    "generate": Generate(),
    "choice": ChoiceProbe(),
}
"""The runs whose files are older than `example`, and those beside the one of the class."""


def examples() -> Iterator[tuple[str, Method]]:
    """Every method of the registry that runs a subject, as its class says in `example`."""
    for kind, build in (("attacks", registry.attack), ("defenses", registry.defense), ("probes", registry.probe)):
        for name, method in registry.CATALOGS[kind].own.items():
            built = build(Choice(name=name, parameters=dict(method.example)))
            if not isinstance(built, Defense) or built.source is None:
                yield name, built


METHODS = dict(examples()) | CONFIGURED
LONGEST = {"in_context": 3}
"""Doses that are as far as the tiny context goes; all others go to 12."""


def steps_of(method: Method, subject: Subject) -> Iterator[Step]:
    if isinstance(method, Attack):
        horizon = max(method.doses(range(LONGEST.get(method.name, 12) + 1)), default=0)
        with OpenJudges(Compute()) as judges:
            yield from method.steps(subject, given(method, tiny_material(), horizon, 0, judges), horizon, 0)
    elif isinstance(method, Defense):
        yield from method.steps(subject, tiny_material(), 0, None)


def run(method: Method) -> dict[str, Any]:
    """Every loss term of every step to four digits, and what the subject answers at the end."""
    subject, terms = tiny_subject(), []
    answers = ask(method, subject, FRAME)
    for step in steps_of(method, subject):
        terms.append({name: float(f"{value:.4g}") for name, value in step.terms.items()})
        asked = (
            method.frame_with_exemplars(FRAME, step.dose, tiny_material().train, 0)
            if isinstance(method, Attack)
            else FRAME
        )
        answers = ask(method, subject, asked)
    return {"terms": terms, "answers": answers}


def ask(method: Method, subject: Subject, frame: Frame) -> list[dict[str, Any]]:
    probes: tuple[Probe, ...] = (method,) if isinstance(method, Probe) else (Generate(), ChoiceProbe())
    return [a.to_data() for probe in probes for a in probe.ask(subject, tiny_items(), frame, 3)]


@pytest.mark.parametrize("label", METHODS)
def test_results_change_only_with_the_version(label: str) -> None:
    method, path = METHODS[label], FOLDER / f"{label}.json"
    now = {"version": method.version, **run(method)}
    if os.environ.get("TITER_WRITE_GOLDEN") and (not path.exists() or json.loads(path.read_text()) != now):
        path.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    stored = json.loads(path.read_text())
    assert stored["version"] == now["version"], f"version was raised: write {path.name} anew"
    changed = f"results of {label} changed: raise its version, or correct what changed them"
    for old, new in zip(stored["terms"], now["terms"], strict=True):
        assert new == pytest.approx(old, rel=2e-3, abs=1e-3), changed
    for old, new in zip(stored["answers"], now["answers"], strict=True):
        assert (old["text"], old["ended"], old["option_tokens"]) == (new["text"], new["ended"], new["option_tokens"]), (
            changed
        )
        if old["option_nats"] is not None:
            assert new["option_nats"] == pytest.approx(old["option_nats"], rel=2e-3), changed
