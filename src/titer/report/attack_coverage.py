"""Which families of attacks a study ran, and which it did not: a titer is worth what its attacker is worth."""

from __future__ import annotations

from titer.protocol.attack_families import FAMILIES, run_of, unknown
from titer.protocol.schema import Protocol
from titer.report.escape import escape, table


def coverage(protocol: Protocol) -> list[str]:
    """One row a family, with the attacks of the study that are of it."""
    attacks = protocol.attacker.attack
    rows = []
    for family in FAMILIES:
        found = run_of(family, attacks)
        searched = any(choice.search is not None for choice in attacks if choice in found)
        rows.append([family.name, _how(bool(found), searched), escape(", ".join(choice.label for choice in found))])
    rows += [["of no known family", "as configured", escape(choice.label)] for choice in unknown(attacks)]
    preset = "" if protocol.attacker.preset is None else f" The attacker is `{protocol.attacker.preset}`."
    said = f"What the study says it says of the attacks that were run, and of no others.{preset}"
    return ["## Attack families", said, table(["family", "run", "attacks"], rows)]


def _how(found: bool, searched: bool) -> str:
    return "searched" if searched else "as configured" if found else "not run"
