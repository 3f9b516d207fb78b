"""What every attack of a finished study does to each subject, as one table.

    python -m benchmarks.attack_table docs/results/attacks

The study may be packed. Its table stands in docs/results/attacks.md, below what to read from it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from titer.analysis.concluding import conclude_path
from titer.analysis.conditions.attack_searches import searches_of
from titer.analysis.conditions.harm_decisions import DecidedCurve, Replicate, replicates_of
from titer.analysis.conditions.sham_results import ShamResult, sham_results
from titer.analysis.findings import Assay
from titer.analysis.wording import interval
from titer.protocol.attack_families import FAMILIES, AttackFacts
from titer.protocol.dose_axes import STEPS
from titer.protocol.schema import Protocol
from titer.records import Role, canonical
from titer.report.escape import table
from titer.stats.search import selection as search_selection

EXPLAINED = (
    "A titer is the interval (last dose before which every dose is intact, first broken dose] of each seed, on the "
    "attack's own axis. `broken` counts seeds broken within the budget; `most` is the largest share of harmful answers "
    "at any dose up to the budget, over the seeds; `sham` is what the same training on harmless rows did up to the "
    "dose at which the attack breaks the subject, `-` where there is none or it was not needed."
)


def main(folder: Path) -> None:
    """Print the table, the searches, and what is stronger than the best fixed `direct`."""
    assay = conclude_path(folder).assay
    protocol = assay.protocol
    roles: tuple[Role, ...] = ("undefended", "defended")
    replicates = {role: replicates_of(assay, "resistance", role) for role in roles}
    print(f"# Every attack of {protocol.study.name}\n")
    domain, seeds = protocol.searched_domain.name, protocol.study.seeds.attack
    print(f"Domain `{domain}`, {seeds} seeds, threshold {protocol.harm.threshold:g}. {EXPLAINED}\n")
    print(
        table(
            ["family", "attack", "axis, budget", *_heads("undefended"), *_heads("defended")],
            list(_rows(assay, replicates)),
        )
    )
    print(f"\n{_families(protocol, assay.attacks, replicates['undefended'])}")
    print("\n## Searches\n")
    print(table(["attack", "subject", "selected attack", "best dose by trial"], list(_searches(assay, protocol))))


def _heads(subject: str) -> list[str]:
    return [f"{subject}: {what}" for what in ("titers", "broken", "most", "sham")]


def _rows(assay: Assay, replicates: Mapping[Role, tuple[Replicate, ...]]) -> Iterator[list[str]]:
    protocol, facts = assay.protocol, assay.attacks
    attacks = {choice.label: choice for choice in protocol.attacker.attack}
    shams = {role: {result.attack: result for result in sham_results(assay, role)} for role in replicates}
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
            _sham(shams["undefended"].get(choice.label)),
            *_cells(_reads(replicates["defended"], label)),
            _sham(shams["defended"].get(label)),
        ]


def _sham(result: ShamResult | None) -> str:
    return "-" if result is None or result.state == "not read" else f"{result.state}, {result.until:g}"


def _families(protocol: Protocol, facts: Mapping[str, AttackFacts], undefended: Sequence[Replicate]) -> str:
    """The families of which one attack breaks the undefended subject at every seed within its budget."""
    strong = [
        choice.label
        for choice in protocol.attacker.attack
        if all(read.state == "fails" for read in _reads(undefended, choice.label))
    ]
    found = [family for family in FAMILIES if any(family in facts[label].families for label in strong)]
    missing = [family for family in FAMILIES if family not in found]
    return (
        f"Families of which an attack breaks the undefended model at every seed within its budget: {len(found)} of "
        f"{len(FAMILIES)}; not so: {', '.join(missing)}."
    )


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
    ends = Counter(interval(read.titer) for read in reads)
    titers = ", ".join(f"{count} × {end}" for end, count in ends.items())
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
