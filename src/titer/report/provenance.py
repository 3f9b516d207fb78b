"""Where the numbers of a report come from: protocol, weights, data, methods, seeds, machines, cells."""

from __future__ import annotations

from typing import Any

from titer.analysis.findings import Assay, Curve
from titer.analysis.seed_indices import replaced_indices
from titer.protocol.schema import Protocol
from titer.protocol.subject_config import Prepare
from titer.records import Choice, Environment
from titer.report.escape import escape, json_block, table
from titer.report.json_report import environments
from titer.study.root import Root


def provenance(protocol: Protocol, assay: Assay, root: Root) -> list[str]:
    """The parts of the report that let a reader trace and repeat every number.

    Args:
        protocol: the protocol.
        assay: what the verdict rests on.
        root: the digests of all that.
    """
    return [
        "## Provenance",
        f"Digest of the protocol: `{escape(assay.digest)}`",
        _digests(root),
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


def _digests(root: Root) -> str:
    """What the study was registered as before the run, what it was finished as, and how to check both."""
    begun = ", ".join(f"{escape(name)} {escape(number)}" for name, number in root.begun_with.items())
    return "\n".join(
        (
            "Registered before the run (protocol, inputs, versions) as",
            "",
            f"    {root.registration}",
            "",
            "and finished (every file and every score that the verdict rests on) as",
            "",
            f"    {root.root}",
            "",
            *(line for again in root.sealed_again for line in (f"It was {escape(again.line)}.", "")),
            "To check both, run this in the folder of this report. It compares every file with these digests, and the",
            "digests with what was published; it needs no model and no data:",
            "",
            f"    titer verify . --digest {root.root} --registration {root.registration}",
            "",
            f"Registered with {begun}.",
        )
    )


def _seeds(protocol: Protocol, assay: Assay) -> str:
    seeds = protocol.study.seeds
    used = sorted({curve.index for curve in assay.curves if curve.purpose != "trial"})
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
    methods += [("preparation", step.choice, _fed(step)) for step in protocol.subject.prepare]
    methods += [("defense", choice, {}) for choice in protocol.defense]
    parts = ["### Methods"]
    for kind, choice, searched in methods:
        parts += [
            f"{kind.capitalize()} {escape(choice.name)} ({escape(choice.label)}):",
            json_block(choice.parameters | searched),
        ]
    return "\n\n".join(parts)


def _fed(step: Prepare) -> dict[str, Any]:
    """The domains that a step is fed: those it teaches with every row, also those that the study asks."""
    named = {"domains": step.domains, "teaches every row of": step.teaches}
    return {key: list(names) for key, names in named.items() if names}


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
