"""Every method by name: literal dicts, plus the entry points (`titer.attacks`, ...) of other packages."""

from __future__ import annotations

import json
from typing import Any, cast

from pydantic import ValidationError

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
from titer.methods.attacks.fine_tuning.open_ended import OpenEnded
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
from titer.methods.attacks.weight_edits.nf4 import NF4
from titer.methods.attacks.weight_edits.noise import Noise
from titer.methods.attacks.weight_edits.prune import Prune
from titer.methods.attacks.weight_edits.quantize import Quantize
from titer.methods.attacks.weight_edits.refusal_ablation import RefusalAblation
from titer.methods.attacks.weight_edits.reparameterized import Reparameterized
from titer.methods.attacks.weight_edits.task_arithmetic import TaskArithmetic
from titer.methods.base import Attack, Defense, Method
from titer.methods.defenses.controls.gradient_ascent import GradientAscent
from titer.methods.defenses.controls.no_op import NoOp
from titer.methods.defenses.controls.none import NoDefense
from titer.methods.defenses.controls.random_displacement import RandomDisplacement
from titer.methods.defenses.controls.random_init import RandomInit
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.controls.weight_noise import WeightNoise
from titer.methods.defenses.data_and_weights.checkpoint import Checkpoint
from titer.methods.defenses.data_and_weights.ctrl import CTRL
from titer.methods.defenses.data_and_weights.deep_refusal import DeepRefusal
from titer.methods.defenses.data_and_weights.deep_safety import DeepSafety
from titer.methods.defenses.data_and_weights.lox import LoX
from titer.methods.defenses.data_and_weights.sft import SupervisedTeaching
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.methods.defenses.loss_based.circuit_breakers import CircuitBreakers
from titer.methods.defenses.loss_based.crl import CRL
from titer.methods.defenses.loss_based.graddiff import GradDiff
from titer.methods.defenses.loss_based.npo import NPO
from titer.methods.defenses.loss_based.repbend import RepBend
from titer.methods.defenses.loss_based.repnoise import RepNoise
from titer.methods.defenses.loss_based.rmu import RMU
from titer.methods.defenses.loss_based.simnpo import SimNPO
from titer.methods.defenses.meta_learned.mlac import MLAC
from titer.methods.defenses.meta_learned.random_mapping import RandomMapping
from titer.methods.defenses.meta_learned.sophon import SOPHON
from titer.methods.defenses.meta_learned.tar import TAR
from titer.methods.defenses.perturbation.booster import Booster
from titer.methods.defenses.perturbation.lat import LAT
from titer.methods.defenses.perturbation.sam_npo import SAMNPO
from titer.methods.defenses.perturbation.targeted_vaccine import TargetedVaccine
from titer.methods.defenses.perturbation.vaa import VAA
from titer.methods.defenses.perturbation.vaccine import Vaccine
from titer.methods.defenses.traps.ctrap import CTRAP
from titer.methods.defenses.traps.sdd import SDD
from titer.methods.defenses.traps.seam import SEAM
from titer.methods.judges.coherence import Coherence
from titer.methods.judges.contains import Contains
from titer.methods.judges.exact_match import ExactMatch
from titer.methods.judges.fingerprint import Fingerprint
from titer.methods.judges.loss import Loss
from titer.methods.judges.multiple_choice import MultipleChoice
from titer.methods.judges.normalized_match import NormalizedMatch
from titer.methods.judges.refusal import Refusal
from titer.methods.judges.refusal_removal import RefusalRemoval
from titer.methods.judges.substance import Substance
from titer.methods.measurement import Judge, Probe
from titer.methods.plugins import Catalog
from titer.methods.probes.choice import ChoiceProbe
from titer.methods.probes.generate import Generate
from titer.protocol.diagnostics import explain
from titer.records import Choice

ATTACKS: dict[str, type[Attack]] = {
    "direct": Direct,
    "open_ended": OpenEnded,
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
    "nf4": NF4,
    "low_rank_removal": LowRankRemoval,
    "delta_removal": DeltaRemoval,
    "task_arithmetic": TaskArithmetic,
    "prefill": Prefill,
    "in_context": InContext,
    "soft_prompt": SoftPrompt,
    "ablated_prefill": AblatedPrefill,
    "baseline": Baseline,
}
DEFENSES: dict[str, type[Defense]] = {
    "none": NoDefense,
    "no_op": NoOp,
    "checkpoint": Checkpoint,
    "random_displacement": RandomDisplacement,
    "weight_noise": WeightNoise,
    "random_init": RandomInit,
    "sft": SupervisedTeaching,
    "refusal_sft": RefusalSFT,
    "gradient_ascent": GradientAscent,
    "adversarial_loss": AdversarialLoss,
    "lox": LoX,
    "deep_safety": DeepSafety,
    "deep_refusal": DeepRefusal,
    "ctrl": CTRL,
    "sdd": SDD,
    "graddiff": GradDiff,
    "npo": NPO,
    "simnpo": SimNPO,
    "sam_npo": SAMNPO,
    "vaccine": Vaccine,
    "targeted_vaccine": TargetedVaccine,
    "booster": Booster,
    "lat": LAT,
    "vaa": VAA,
    "repnoise": RepNoise,
    "crl": CRL,
    "repbend": RepBend,
    "circuit_breakers": CircuitBreakers,
    "rmu": RMU,
    "random_mapping": RandomMapping,
    "tar": TAR,
    "mlac": MLAC,
    "sophon": SOPHON,
    "ctrap": CTRAP,
    "seam": SEAM,
}
PROBES: dict[str, type[Probe]] = {"generate": Generate, "choice": ChoiceProbe}
JUDGES: dict[str, type[Judge]] = {
    "exact_match": ExactMatch,
    "contains": Contains,
    "normalized_match": NormalizedMatch,
    "substance": Substance,
    "refusal_removal": RefusalRemoval,
    "refusal": Refusal,
    "coherence": Coherence,
    "fingerprint": Fingerprint,
    "multiple_choice": MultipleChoice,
    "loss": Loss,
}
CATALOGS: dict[str, Catalog[Any]] = {
    "attacks": Catalog("attacks", Attack, ATTACKS),
    "defenses": Catalog("defenses", Defense, DEFENSES),
    "probes": Catalog("probes", Probe, PROBES),
    "judges": Catalog("judges", Judge, JUDGES),
}
"""Each kind of method, those of other packages included."""


def known(kind: str) -> dict[str, type[Method]]:
    """All methods of one kind (`attacks`, `defenses`, `probes`, `judges`) by name, other packages' included."""
    return {name: CATALOGS[kind].find(name, kind) for name in CATALOGS[kind].names}


def attack_class(name: str, place: str = "attack") -> type[Attack]:
    """The attack of that name, not configured."""
    return cast(type[Attack], CATALOGS["attacks"].find(name, place))


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
    method: type[Method] = CATALOGS[kind].find(choice.name, place)
    try:
        return method.model_validate_json(json.dumps(choice.parameters))
    except ValidationError as error:
        raise explain(error, method, place) from error
