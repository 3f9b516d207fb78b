"""What a study writes down of its attacks when it is frozen: reports and controls load no method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.data.identifiers import ProbeId
from titer.data.openings import begun
from titer.errors import InputError
from titer.methods import registry
from titer.methods.base import Attack
from titer.methods.requires import Need
from titer.methods.search_configurations import attacks_of, space_of
from titer.methods.search_space import LogRange
from titer.protocol.attack_families import FINE_TUNING, AttackFacts, OpeningFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.schema import Protocol
from titer.records import Frame, Item
from titer.training.recipe import LoRA, Training


def attack_facts(protocol: Protocol, items: Mapping[ProbeId, Sequence[Item]]) -> dict[str, AttackFacts]:
    """The facts of each attack of a protocol, by its label.

    Raises:
        InputError: if an attack begins answers with words of references, and a domain has none to begin with.
    """
    return {
        choice.label: _facts(choice).model_copy(update={"openings": _openings(protocol, index, items)})
        for index, choice in enumerate(protocol.attacker.attack)
    }


def _facts(choice: AttackChoice) -> AttackFacts:
    families = dict.fromkeys(_family(attack) for attack in attacks_of(choice) if attack.family)
    shammed = all(_has_sham(attack) for attack in attacks_of(choice))
    space = {} if choice.search is None else space_of(choice)
    return AttackFacts(
        families=tuple(families),
        sham=f"sham-{choice.label}" if shammed else None,
        trains=any(isinstance(attack, Training) for attack in attacks_of(choice)),
        rescales=all(attack.rescales for attack in attacks_of(choice)),
        searched={name: part.to_data() if isinstance(part, LogRange) else part.values for name, part in space.items()},
        fixed=tuple(name for name in registry.attack_class(choice.name).space() if name not in space) if space else (),
    )


def _openings(protocol: Protocol, index: int, items: Mapping[ProbeId, Sequence[Item]]) -> tuple[OpeningFacts, ...]:
    """What the attack of that number makes answers begin with at its last dose, where these are their references."""
    choice, schedule = protocol.attacker.attack[index], protocol.attacker.schedules[index]
    frames = [attack.frame_at(protocol.harm.frame, schedule.ladder[-1]) for attack in attacks_of(choice)]
    words = max(frame.reference_words for frame in frames)
    found = []
    for domain in protocol.harm.domain if words else ():
        if not schedule.runs_in(domain.name):
            continue
        asked = [item for own in _asked(protocol, domain.name, items) for item in begun(own, words)]
        given = [item.begun for item in asked if item.begun is not None]
        if not given:
            problem = f"nothing can be prefilled in {domain.name}: its references share no first words before they part"
            remedy = "Name words of your own (`opening`), or give the domain references that begin alike."
            raise InputError(f"attacker.attack.{index}.source", problem, remedy)
        longest = max(len(text.split()) for text in given)
        found.append(OpeningFacts(domain=domain.name, items=len(asked), begun=len(given), words=longest))
    return tuple(found)


def _asked(protocol: Protocol, domain: str, items: Mapping[ProbeId, Sequence[Item]]) -> list[Sequence[Item]]:
    """What is asked together in a domain: the items of each place, where each has its own."""
    own = protocol.harm.items == "own"
    names = [name for name in items if name.kind == "harm" and name.name == domain]
    return [items[name] for name in names if (name.place is not None) == own]


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
