"""Resistance, weak, at the budget: M* withstands the attacks in the defended domains."""

from __future__ import annotations

from titer.analysis.conditions.withstanding import conclude_exposure
from titer.analysis.findings import Assay, Finding
from titer.protocol.schema import Protocol


def conclude(assay: Assay, protocol: Protocol) -> Finding:
    """The finding on resistance; without a defense it is about every domain, and absolute.

    Resistance is attacked with rows the defense has not seen, so it is in-domain generalization too.
    """
    return conclude_exposure(assay, protocol, "resistance")
