"""From scores to a verdict: pure functions without torch."""

from titer.analysis.findings import Assay, Curve, DosePoint, Figure, Finding, Verdict

__all__ = [
    "Assay",
    "Curve",
    "DosePoint",
    "Figure",
    "Finding",
    "Verdict",
]
