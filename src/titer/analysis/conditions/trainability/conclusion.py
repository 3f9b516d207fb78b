"""The finding on trainability."""

from __future__ import annotations

from titer.analysis.applicability import not_applicable
from titer.analysis.conditions.trainability.evidence import evidence
from titer.analysis.conditions.trainability.figures import figures
from titer.analysis.conditions.trainability.reasons import quotable, reason, remedy
from titer.analysis.findings import Assay, Finding


def conclude(assay: Assay) -> Finding:
    """The finding on trainability: the replicate rule over pairs of trainings."""
    protocol = assay.protocol
    if (absent := not_applicable("trainability", protocol)) is not None:
        return absent
    found = evidence(assay)
    outcome = found.outcome
    return Finding.of(
        "trainability",
        "condition",
        outcome,
        reason=reason(assay, found),
        remedy=remedy(outcome),
        sentence=quotable(assay, found, outcome),
        level=protocol.alpha,
        figures=figures(assay, found),
    )
