"""What a study writes down of its attacks when it is frozen: reports and controls load no method."""

from __future__ import annotations

from titer.methods.base import Attack
from titer.methods.requires import Need
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
    shammed = all(_has_sham(attack) for attack in attacks_of(choice))
    return AttackFacts(families=tuple(families), sham=f"sham-{choice.label}" if shammed else None)


def _has_sham(attack: Attack) -> bool:
    """Whether the same training can be run on harmless rows in the place of harmful ones.

    It trains on harmful rows alone: without refusals paired with them, and without a judge that rewards harm.
    """
    needs = attack.requires
    paired = Need.PAIRS in needs.rows or needs.judges
    return isinstance(attack, Training) and Need.HARMFUL in needs.rows and not paired


def _family(attack: Attack) -> str:
    """That which the method names; of harmful fine-tuning there is one for LoRA and one for full parameters."""
    if attack.family != FINE_TUNING or not isinstance(attack, Training):
        return attack.family
    return f"{FINE_TUNING}, {'LoRA' if isinstance(attack.trainable, LoRA) else 'full parameters'}"
