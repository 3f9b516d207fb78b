"""What a study writes down of its attacks when it is frozen: reports and controls load no method."""

from __future__ import annotations

from titer.methods.base import Attack
from titer.methods.roles import sham_label
from titer.methods.search_configurations import attacks_of
from titer.protocol.attack_families import FINE_TUNING, AttackFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.schema import Protocol
from titer.training.recipe import LoRA, Training


def attack_facts(protocol: Protocol) -> dict[str, AttackFacts]:
    """The facts of each attack of a protocol, by its label."""
    return {choice.label: _facts(choice) for choice in protocol.attacker.attack}


def _facts(choice: AttackChoice) -> AttackFacts:
    families = dict.fromkeys(_family(attack) for attack in attacks_of(choice) if attack.family)
    return AttackFacts(families=tuple(families), sham=sham_label(choice.name, choice.label))


def _family(attack: Attack) -> str:
    """That which the method names; of harmful fine-tuning there is one for LoRA and one for full parameters."""
    if attack.family != FINE_TUNING or not isinstance(attack, Training):
        return attack.family
    return f"{FINE_TUNING}, {'LoRA' if isinstance(attack.trainable, LoRA) else 'full parameters'}"
