"""Generalization: M* withstands the attacks in domains whose data the defense never saw."""

from __future__ import annotations

from titer.analysis.conditions.harm_readings import domains_of
from titer.analysis.conditions.withstanding import conclude_exposure
from titer.analysis.findings import Assay, Finding
from titer.protocol.schema import Protocol


def conclude(assay: Assay, protocol: Protocol) -> Finding:
    """The finding on cross-domain generalization; nothing is said about domains that are not named."""
    if not domains_of(protocol, "generalization"):
        because = "no domain has the role cross" if protocol.defended else "there is no defense"
        return Finding(name="generalization", kind="condition", word="not applicable", because=because)
    return conclude_exposure(assay, protocol, "generalization")
