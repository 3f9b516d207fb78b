"""Attacks that found nothing to do and left the weights as they were: a reading of the subject, and no failure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from titer.analysis.findings import Assay, Figure
from titer.analysis.seed_indices import seed_indices
from titer.analysis.sentences import exposure
from titer.analysis.sentences.text import Text
from titer.protocol.exposure import Condition
from titer.records import DoseFacts, Role


def found_nothing(facts: DoseFacts) -> Text | None:
    """What an attack looked for in vain, where for want of it the weights are as they were; None elsewhere."""
    if facts.dose == 0 or facts.displacement > 0:
        return None
    return next((said for term, said in exposure.LOOKED_FOR.items() if facts.terms.get(term) == 0), None)


@dataclass(frozen=True, kw_only=True)
class Vain:
    """The replicates of a condition in which one attack on one subject in one domain found nothing.

    Attributes:
        attack: the label of the attack.
        domain: the domain.
        looked_for: what it looked for.
        count: the replicates in which it did so in vain at some dose.
    """

    attack: str
    domain: str
    looked_for: Text
    count: int


def in_vain(assay: Assay, condition: Condition, subject: Role) -> tuple[Vain, ...]:
    """Where the attacks of a condition found nothing in one subject, in the order of the curves."""
    replicates = seed_indices(assay, condition).of_place
    found: dict[tuple[str, str, Text], set[int]] = {}
    for curve in assay.curves:
        if (curve.purpose, curve.subject) != (condition, subject) or curve.index not in replicates:
            continue
        for said in filter(None, (found_nothing(point.facts) for point in curve.points)):
            found.setdefault((curve.attack, curve.domain or "", said), set()).add(curve.index)
    return tuple(
        Vain(attack=attack, domain=domain, looked_for=said, count=len(indices))
        for (attack, domain, said), indices in found.items()
    )


def vain_figures(assay: Assay, condition: Condition, subject: Role) -> Iterator[Figure]:
    """The same as lines of a finding."""
    for vain in in_vain(assay, condition, subject):
        yield Figure(
            what=f"found {vain.looked_for.en}: {vain.attack}, {vain.domain}",
            subject=subject,
            count=vain.count,
            of=assay.protocol.study.seeds.attack,
            note="the weights stayed as they were",
        )
