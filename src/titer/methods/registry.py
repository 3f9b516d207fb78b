"""Every method by name: literal dicts, plus the entry points (`titer.attacks`, ...) of other packages."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.metadata import entry_points
from typing import Any, cast

from pydantic import ValidationError

from titer.errors import InputError
from titer.methods.attacks.controls.baseline import Baseline
from titer.methods.attacks.controls.sham import Sham
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
from titer.methods.base import Attack, Defense, Judge, Method, Probe
from titer.methods.defenses.adversarial_loss import AdversarialLoss
from titer.methods.defenses.checkpoint import Checkpoint
from titer.methods.defenses.no_op import NoOp
from titer.methods.defenses.none import NoDefense
from titer.methods.defenses.refusal_sft import RefusalSFT
from titer.methods.judges.coherence import Coherence
from titer.methods.judges.exact_match import ExactMatch
from titer.methods.judges.loss import Loss
from titer.methods.judges.multiple_choice import MultipleChoice
from titer.methods.judges.normalized_match import NormalizedMatch
from titer.methods.judges.refusal import Refusal
from titer.methods.probes.choice import ChoiceProbe
from titer.methods.probes.generate import Generate
from titer.protocol.diagnostics import explain
from titer.records import Choice

ATTACKS: dict[str, type[Attack]] = {
    "direct": Direct,
    "few_shot": FewShot,
    "mixture": Mixture,
    "benign": Benign,
    "staged": Staged,
    "benign_overfit": BenignOverfit,
    "identity_shift": IdentityShift,
    "backdoor": Backdoor,
    "competing": Competing,
    "style": Style,
    "dpo": DPO,
    "grpo": GRPO,
    "reparameterized": Reparameterized,
    "reversal": Reversal,
    "refusal_ablation": RefusalAblation,
    "multi_direction": MultiDirection,
    "ablation_kernel": AblationKernel,
    "noise": Noise,
    "prune": Prune,
    "quantize": Quantize,
    "low_rank_removal": LowRankRemoval,
    "delta_removal": DeltaRemoval,
    "task_arithmetic": TaskArithmetic,
    "prefill": Prefill,
    "in_context": InContext,
    "soft_prompt": SoftPrompt,
    "ablated_prefill": AblatedPrefill,
    "sham": Sham,
    "baseline": Baseline,
}
DEFENSES: dict[str, type[Defense]] = {
    "none": NoDefense,
    "no_op": NoOp,
    "checkpoint": Checkpoint,
    "refusal_sft": RefusalSFT,
    "adversarial_loss": AdversarialLoss,
}
PROBES: dict[str, type[Probe]] = {"generate": Generate, "choice": ChoiceProbe}
JUDGES: dict[str, type[Judge]] = {
    "exact_match": ExactMatch,
    "normalized_match": NormalizedMatch,
    "refusal": Refusal,
    "coherence": Coherence,
    "multiple_choice": MultipleChoice,
    "loss": Loss,
}
KINDS: dict[str, dict[str, Any]] = {"attacks": ATTACKS, "defenses": DEFENSES, "probes": PROBES, "judges": JUDGES}


@cache
def known(kind: str) -> dict[str, type[Method]]:
    """All methods of one kind (`attacks`, `defenses`, `probes`, `judges`), other packages' included."""
    found = {entry.name: entry.load() for entry in entry_points(group=f"titer.{kind}")}
    return found | KINDS[kind]


def attack(choice: Choice, place: str = "attack") -> Attack:
    """The configured attack of that name."""
    return cast(Attack, _build("attacks", choice, place))


def defense(choice: Choice, place: str = "defense") -> Defense:
    """The configured defense of that name."""
    return cast(Defense, _build("defenses", choice, place))


def probe(choice: Choice, place: str = "probe") -> Probe:
    """The configured probe of that name."""
    return cast(Probe, _build("probes", choice, place))


def judge(choice: Choice, place: str = "judge") -> Judge:
    """The configured judge of that name."""
    return cast(Judge, _build("judges", choice, place))


def _build(kind: str, choice: Choice, place: str) -> Method:
    methods = known(kind)
    if choice.name not in methods:
        close = difflib.get_close_matches(choice.name, methods, n=1)
        hint = f"Did you mean '{close[0]}'? " if close else ""
        raise InputError(place, f"unknown {kind[:-1]} '{choice.name}'", f"{hint}Known: {', '.join(sorted(methods))}.")
    try:
        return methods[choice.name].model_validate_json(json.dumps(choice.parameters))
    except ValidationError as error:
        raise explain(error, methods[choice.name], place) from error
