"""Where the numbers of a report come from: protocol, weights, data, methods, seeds, machines, cells."""

from __future__ import annotations

from typing import Any

from titer.analysis.findings import Assay, Curve
from titer.analysis.seed_indices import replaced_indices
from titer.protocol.schema import Protocol
from titer.records import Choice, Environment
from titer.report.escape import escape, json_block, table
from titer.report.json_report import environments


def provenance(protocol: Protocol, assay: Assay) -> list[str]:
    """The parts of the report that let a reader trace and repeat every number."""
    return [
        "## Provenance",
        f"Digest of the protocol: `{escape(assay.digest)}`",
        table(
            ["subject", "digest"],
            [(escape(role), escape(key)) for role, keys in sorted(assay.subjects.items()) for key in keys],
        ),
        _seeds(protocol, assay),
        _methods(protocol),
        _overlaps(assay),
        _environments(assay),
        _cells(assay),
        "### Protocol",
        json_block(assay.protocol.to_data()),
    ]


def _seeds(protocol: Protocol, assay: Assay) -> str:
    seeds = protocol.study.seeds
    used = sorted({curve.index for curve in assay.curves})
    text = (
        f"Seeds: {seeds.attack} for attacks and {seeds.defense} for the defense, from index {seeds.first}; "
        f"indices used: {', '.join(map(str, used))}."
    )
    replaced = "\n".join(f"- {escape(reason)}" for reason in replaced_indices(assay))
    return f"{text}\n\nReplaced because the method failed:\n\n{replaced}" if replaced else text


def _methods(protocol: Protocol) -> str:
    methods: list[tuple[str, Choice, dict[str, Any]]] = [
        ("attack", choice, {} if choice.search is None else {"search": choice.search})
        for choice in protocol.attacker.attack
    ]
    methods += [("defense", choice, {}) for choice in protocol.defense]
    parts = ["### Methods"]
    for kind, choice, searched in methods:
        parts += [
            f"{kind.capitalize()} {escape(choice.name)} ({escape(choice.label)}):",
            json_block(choice.parameters | searched),
        ]
    return "\n\n".join(parts)


def _overlaps(assay: Assay) -> str:
    rows = [(escape(o.first), escape(o.second), str(o.exact), str(o.near)) for o in assay.overlaps]
    if not rows:
        return ""
    return "### Overlap of the splits\n\n" + table(["first", "second", "the same", "nearly the same"], rows)


def _environments(assay: Assay) -> str:
    fields = list(Environment.model_fields)
    rows = [[escape(str(value)) for value in environment.to_data().values()] for environment in environments(assay)]
    return "### Environments\n\n" + table(fields, rows)


def _cells(assay: Assay) -> str:
    header = ["for", "subject", "domain or task", "attack", "seed", "cell", "last dose", "failed"]
    return "### Cells\n\n" + table(header, [_cell(curve) for curve in assay.curves])


def _cell(curve: Curve) -> list[str]:
    last = max((point.facts.dose for point in curve.points), default=None)
    about = curve.domain or curve.task or ""
    texts = [curve.purpose, curve.subject, about, curve.attack, str(curve.index), curve.cells[0].key]
    return [*map(escape, texts), "" if last is None else str(last), escape(curve.failed or "")]
