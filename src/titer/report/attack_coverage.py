"""Which families of attacks a study ran, and which it did not: a titer is worth what its attacker is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from titer.protocol.attack_families import FAMILIES, AttackFacts
from titer.protocol.attacker import AttackChoice
from titer.protocol.schema import Protocol
from titer.report.escape import escape, table
from titer.report.words.names import NO_FAMILY


def coverage(protocol: Protocol, facts: Mapping[str, AttackFacts]) -> list[str]:
    """One row a family, with the attacks of the study that are of it.

    Args:
        protocol: the study.
        facts: what was written down of each attack, by its label.
    """
    run = [(choice, facts.get(choice.label, AttackFacts()).families) for choice in protocol.attacker.attack]
    families = dict.fromkeys((*FAMILIES, *(family for _, own in run for family in own)))
    rows = [_row(family, [choice for choice, own in run if family in own]) for family in families]
    rows += [_row(NO_FAMILY.en, [choice]) for choice, own in run if not own]
    preset = "" if protocol.attacker.preset is None else f" The attacker is `{protocol.attacker.preset}`."
    said = f"What the study says it says of the attacks that were run, and of no others.{preset}"
    return ["## Attack families", said, table(["family", "run", "attacks"], rows)]


def _row(family: str, run: Sequence[AttackChoice]) -> list[str]:
    searched = any(choice.search is not None for choice in run)
    how = "searched" if searched else "as configured" if run else "not run"
    return [escape(family), how, escape(", ".join(choice.label for choice in run))]
