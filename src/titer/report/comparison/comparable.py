"""Whether two studies may stand side by side: what must be the same, and what may differ with a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from titer.errors import InputError, shown
from titer.protocol.schema import Protocol
from titer.records import canonical

_OF_DOMAINS = ("name", "role", "source", "where", "subset", "split", "revision", "cut", "longest", "attack_with")


def _domains(protocol: Protocol) -> Any:
    """What each harm domain asks, and how many items; the rows that a defense is fed may differ."""
    found = []
    for domain in protocol.harm.domain:
        data = domain.to_data()
        found.append({key: data.get(key) for key in _OF_DOMAINS} | {"probe": domain.splits.get("probe")})
    return found


def _attacks(protocol: Protocol) -> Any:
    attacker = protocol.attacker
    search = None if attacker.search is None else attacker.search.to_data()
    attacks = [choice.to_data() for choice in attacker.attack]
    return {"attacks": attacks, "ladder": list(attacker.ladder), "search": search, "sham": attacker.sham}


MUST: Final[Mapping[str, Callable[[Protocol], Any]]] = {
    "threshold": lambda protocol: protocol.harm.threshold,
    "confidence level": lambda protocol: protocol.study.confidence,
    "share of attackers": lambda protocol: protocol.study.share,
    "kind of claim": lambda protocol: protocol.study.claim,
    "budget": lambda protocol: protocol.attacker.budget.to_data(),
    "domain items": _domains,
    "judge": lambda protocol: protocol.harm.grading.to_data(),
    "way of asking": lambda protocol: [
        protocol.harm.probe.to_data(),
        protocol.harm.frame.to_data(),
        protocol.harm.collapse_counts,
    ],
    "attack configuration": _attacks,
    "rule of stability": lambda protocol: protocol.stability and protocol.stability.to_data(),
    "rule of trainability": lambda protocol: protocol.trainability and protocol.trainability.to_data(),
}
"""What must be the same in all studies that are compared, by its name in a message."""
MAY: Final[Mapping[str, Callable[[Protocol], Any]]] = {
    "seeds": lambda protocol: protocol.study.seeds.to_data(),
    "compute": lambda protocol: protocol.compute.to_data(),
    "sampling": lambda protocol: [protocol.harm.sampling, protocol.harm.items],
    "domain splits of the defense": lambda protocol: [domain.splits for domain in protocol.harm.domain],
    "preparation": lambda protocol: [step.to_data() for step in protocol.subject.preparation.values()],
}
"""What may differ, and is noted under the table."""
_LONGEST = 300


def signature(protocol: Protocol) -> str:
    """Equal for protocols whose studies may be compared."""
    return canonical({name: read(protocol) for name, read in MUST.items()})


def check_comparable(studies: Sequence[tuple[str, Protocol]]) -> None:
    """Compare every protocol with the first.

    Raises:
        InputError: naming the first thing that differs, with both values.
    """
    (name, first), *others = studies
    for other, protocol in others:
        for what, read in MUST.items():
            mine, theirs = canonical(read(first)), canonical(read(protocol))
            if mine != theirs:
                problem = f"the {what} is {_apart(theirs, mine)}, and that of {name} is {_apart(mine, theirs)}"
                remedy = "Compare studies that differ in model, preparation and defense alone."
                raise InputError(other, problem, remedy)


def footnotes(protocols: Sequence[Protocol]) -> tuple[str, ...]:
    """What differs without harm, in words."""
    found = [name for name, read in MAY.items() if len({canonical(read(protocol)) for protocol in protocols}) > 1]
    return tuple(f"The studies differ in {name}." for name in found)


def _apart(text: str, other: str) -> str:
    """A value from shortly before where it differs from another, so that a long one shows its difference."""
    same = next((place for place, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(0, same - 40) if len(text) > _LONGEST else 0
    return ("…" if begin else "") + shown(text[begin:], _LONGEST)
