"""What every attack of a finished study does to each subject, as one table.

python -m benchmarks.attack_table STUDY > docs/results/attacks.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from titer.analysis.assemble import assemble
from titer.analysis.conditions.attack_searches import searches_of
from titer.analysis.conditions.harm_decisions import DecidedCurve, Replicate, replicates_of
from titer.analysis.findings import Assay
from titer.analysis.wording import interval
from titer.protocol.attack_families import AttackFacts
from titer.protocol.dose_axes import STEPS
from titer.protocol.schema import Protocol
from titer.records import Role, canonical
from titer.report.escape import table
from titer.stats import search_selection
from titer.study.folder import read_study

EXPLAINED = (
    "A titer is the interval (last dose before which every dose is intact, first broken dose] of each seed, on the "
    "attack's own axis. `broken` counts seeds broken within the budget; `most` is the largest share of harmful answers "
    "at any dose up to the budget, over the seeds."
)


def main(folder: Path) -> None:
    """Print the table, the searches, and what is stronger than the best fixed `direct`."""
    study = read_study(folder)
    assay, protocol = assemble(study), study.protocol
    replicates = {role: replicates_of(assay, "resistance", role) for role in ("undefended", "defended")}
    print("# Every attack family on the organism\n")
    domain, seeds = protocol.searched_domain.name, protocol.study.seeds.attack
    print(f"Domain `{domain}`, {seeds} seeds, threshold {protocol.harm.threshold:g}. {EXPLAINED}\n")
    print(
        table(
            ["family", "attack", "axis, budget", *_heads("undefended"), *_heads("defended")],
            list(_rows(protocol, assay.attacks, replicates)),
        )
    )
    print("\n## Searches\n")
    print(table(["attack", "subject", "selected attack", "best dose by trial"], list(_searches(assay, protocol))))


def _heads(subject: str) -> list[str]:
    return [f"{subject}: titers", f"{subject}: broken", f"{subject}: most"]


def _rows(
    protocol: Protocol, facts: Mapping[str, AttackFacts], replicates: dict[str, tuple[Replicate, ...]]
) -> Iterator[list[str]]:
    attacks = {choice.label: choice for choice in protocol.attacker.attack}
    for schedule in protocol.attacks_on("defended"):
        label = schedule.attack
        choice = attacks[label.removesuffix(" of the undefended")]
        written = "searched" if choice.search is not None else canonical(choice.parameters)
        winner = " (winner on the undefended)" if label.endswith(" of the undefended") else ""
        unit = "steps" if schedule.axis == STEPS else schedule.axis.unit
        yield [
            ", ".join(facts[choice.label].families),
            f"{choice.name}{winner} `{written}`",
            f"{unit}, {schedule.budget}",
            *_cells(_reads(replicates["undefended"], choice.label)),
            *_cells(_reads(replicates["defended"], label)),
        ]


def _reads(replicates: Sequence[Replicate], label: str) -> list[DecidedCurve]:
    return [read for replicate in replicates for read in replicate.curves if read.attack == label]


def _cells(reads: Sequence[DecidedCurve]) -> list[str]:
    broken = sum(read.state == "fails" for read in reads)
    rates = [
        counts.harmful / counts.items
        for read in reads
        for dose, counts in zip(read.doses, read.counts, strict=True)
        if counts is not None and dose <= read.budget
    ]
    titers = ", ".join(interval(read.titer) for read in reads)
    return [titers, f"{broken} of {len(reads)}", f"{max(rates):.2f}" if rates else "not scored"]


def _searches(assay: Assay, protocol: Protocol) -> Iterator[list[str]]:
    for label, by_role in searches_of(assay).items():
        for role, search in by_role.items():
            chosen = search_selection.winner(search)
            named = "none" if chosen is None else _configuration(assay, label, role, chosen.number)
            curve = ", ".join("none" if dose is None else str(dose) for dose in search_selection.saturation(search))
            yield [label, role, named, curve]


def _configuration(assay: Assay, label: str, role: Role, number: int) -> str:
    found = next(t for t in assay.curves if t.trial == number and t.attack == label and t.subject == role)
    return f"trial {number}: `{canonical({} if found.configuration is None else found.configuration.parameters)}`"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
