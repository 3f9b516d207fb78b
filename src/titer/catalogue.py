"""Every method by name: literal dicts, plus the entry points (`titer.attacks`, ...) of other packages."""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.metadata import entry_points
from typing import Any, cast

from pydantic import ValidationError

from titer.attacks.ablated_prefill import AblatedPrefill
from titer.attacks.ablation_kernel import AblationKernel
from titer.attacks.backdoor import Backdoor
from titer.attacks.benign import Benign
from titer.attacks.benign_overfit import BenignOverfit
from titer.attacks.competing import Competing
from titer.attacks.delta_removal import DeltaRemoval
from titer.attacks.direct import Direct
from titer.attacks.dpo import DPO
from titer.attacks.few_shot import FewShot
from titer.attacks.grpo import GRPO
from titer.attacks.identity_shift import IdentityShift
from titer.attacks.in_context import InContext
from titer.attacks.low_rank_removal import LowRankRemoval
from titer.attacks.mixture import Mixture
from titer.attacks.multi_direction import MultiDirection
from titer.attacks.noise import Noise
from titer.attacks.prefill import Prefill
from titer.attacks.prune import Prune
from titer.attacks.quantize import Quantize
from titer.attacks.refusal_ablation import RefusalAblation
from titer.attacks.reparameterized import Reparameterized
from titer.attacks.reversal import Reversal
from titer.attacks.sham import Sham
from titer.attacks.soft_prompt import SoftPrompt
from titer.attacks.staged import Staged
from titer.attacks.style import Style
from titer.attacks.task_arithmetic import TaskArithmetic
from titer.attacks.untouched import Untouched
from titer.complaints import explain
from titer.defenses.adversarial_loss import AdversarialLoss
from titer.defenses.checkpoint import Checkpoint
from titer.defenses.none import NoDefense
from titer.defenses.null import Null
from titer.defenses.refusal_sft import RefusalSFT
from titer.errors import InputError
from titer.interfaces import Attack, Defense, Judge, Method, Probe
from titer.judges.coherence import Coherence
from titer.judges.exact import Exact
from titer.judges.loss import Loss
from titer.judges.match import Match
from titer.judges.option import Option
from titer.judges.refusal import Refusal
from titer.probes.choice import ChoiceProbe
from titer.probes.generate import Generate
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
    "untouched": Untouched,
}
DEFENSES: dict[str, type[Defense]] = {
    "none": NoDefense,
    "null": Null,
    "checkpoint": Checkpoint,
    "refusal_sft": RefusalSFT,
    "adversarial_loss": AdversarialLoss,
}
PROBES: dict[str, type[Probe]] = {"generate": Generate, "choice": ChoiceProbe}
JUDGES: dict[str, type[Judge]] = {
    "exact": Exact,
    "match": Match,
    "refusal": Refusal,
    "coherence": Coherence,
    "option": Option,
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
