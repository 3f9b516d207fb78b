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
from titer.methods.attacks.fine_tuning.openings import Openings
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
from titer.methods.base import Attack, Defense, Judge, Method, Probe
from titer.methods.defenses.controls.no_op import NoOp
from titer.methods.defenses.controls.none import NoDefense
from titer.methods.defenses.controls.random_displacement import RandomDisplacement
from titer.methods.defenses.controls.refusal_sft import RefusalSFT
from titer.methods.defenses.data_and_weights.checkpoint import Checkpoint
from titer.methods.defenses.data_and_weights.sft import SupervisedTeaching
from titer.methods.defenses.loss_based.adversarial_loss import AdversarialLoss
from titer.methods.defenses.meta_learned.mlac import MLAC
from titer.methods.defenses.meta_learned.random_mapping import RandomMapping
from titer.methods.defenses.meta_learned.tar import TAR
from titer.methods.defenses.traps.ctrap import CTRAP
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
from titer.methods.plugins import Catalog
from titer.methods.probes.choice import ChoiceProbe
from titer.methods.probes.generate import Generate
from titer.protocol.diagnostics import explain
from titer.records import Choice

ATTACKS: dict[str, type[Attack]] = {
    "direct": Direct,
    "openings": Openings,
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
    "sft": SupervisedTeaching,
    "refusal_sft": RefusalSFT,
    "adversarial_loss": AdversarialLoss,
    "random_mapping": RandomMapping,
    "tar": TAR,
    "mlac": MLAC,
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
