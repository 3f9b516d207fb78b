"""What a study writes down of its attacks when it is frozen: reports and controls load no method."""

from __future__ import annotations

from titer.methods.base import Attack
from titer.methods.requires import Need
from titer.methods.search_configurations import attacks_of
from titer.protocol.attack_families import FINE_TUNING, AttackFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.schema import Protocol
from titer.records import Frame
from titer.training.recipe import LoRA, Training


def attack_facts(protocol: Protocol) -> dict[str, AttackFacts]:
    """The facts of each attack of a protocol, by its label."""
    return {choice.label: _facts(choice) for choice in protocol.attacker.attack}


def _facts(choice: AttackChoice) -> AttackFacts:
    families = dict.fromkeys(_family(attack) for attack in attacks_of(choice) if attack.family)
    shammed = all(_has_sham(attack) for attack in attacks_of(choice))
    return AttackFacts(families=tuple(families), sham=f"sham-{choice.label}" if shammed else None)


def _has_sham(attack: Attack) -> bool:
    """Whether it trains on harmful rows: then the same training is run on harmless ones, too.

    Where it learns from refusals, harmless rows are lent those of harmful ones (`titer.planning.inputs`).
    """
    return (attack.trains or isinstance(attack, Training)) and Need.HARMFUL in attack.requires.rows


def reframes(attack: Attack, frame: Frame) -> bool:
    """Whether a training also asks otherwise than the study, in words: that alone is then read, before any training."""
    asked = attack.frame_at(frame, 1)
    return attack.trains and asked != frame and asked.soft == frame.soft


def _family(attack: Attack) -> str:
    """That which the method names; of harmful fine-tuning there is one for LoRA and one for full parameters."""
    if attack.family != FINE_TUNING or not isinstance(attack, Training):
        return attack.family
    return f"{FINE_TUNING}, {'LoRA' if isinstance(attack.trainable, LoRA) else 'full parameters'}"
