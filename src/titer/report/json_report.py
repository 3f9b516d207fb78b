"""A report as data: every number with what it rests on. No texts, no wall times."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from titer.analysis.findings import Assay, Curve, DosePoint, Verdict
from titer.analysis.harm_counts import BESIDE, asked_counts, harm_probe, point_counts
from titer.analysis.seed_indices import replaced_indices
from titer.records import Environment, Kind
from titer.report.summary import summarize
from titer.study.root import Root

FORMAT = 1
"""Raised when a field of report.json changes its meaning."""


def report_data(verdict: Verdict, assay: Assay, root: Root) -> dict[str, Any]:
    """Plain JSON data: the verdict, the protocol, and per curve and dose the facts and the scores of each judge.

    The scores of a judge are given as their `total` over the items it could score, `scored`, and `items` asked; item
    by item they lie in the store under the curve's `cell`. `harm` has the counts by which a harm probe is decided, by
    both judges together, and under `plain:` and `reframed:` those of what is asked besides, which no verdict rests on;
    a dose's `environment` is its place in `environments`. Examples of overlapping rows are left out: they are texts.

    Args:
        verdict: what was concluded.
        assay: what it rests on.
        root: the digests of all that.
    """
    known = environments(assay)
    return {
        "format": FORMAT,
        "verdict": verdict.to_data(),
        "protocol": assay.protocol.to_data(),
        "protocol_digest": assay.digest,
        "registration": root.registration,
        "root": root.root,
        **({"sealed_again": [again.to_data() for again in root.sealed_again]} if root.sealed_again else {}),
        "subjects": {part: list(keys) for part, keys in assay.subjects.items()},
        "environments": [environment.to_data() for environment in known],
        "kinds": {probe: dict(roles) for probe, roles in assay.kinds.items()},
        "chance": dict(assay.chance),
        "overlaps": [overlap.to_data() | {"example": None} for overlap in assay.overlaps],
        "replaced": list(replaced_indices(assay)),
        "earlier": [one.to_data() for one in assay.earlier],
        "summary": summarize(assay).to_data(),
        "curves": [_curve(assay, curve, known) for curve in assay.curves],
    }


def environments(assay: Assay) -> tuple[Environment, ...]:
    """The different environments of all doses, in the order they first appear."""
    return tuple(dict.fromkeys(point.facts.environment for curve in assay.curves for point in curve.points))


def _curve(assay: Assay, curve: Curve, known: tuple[Environment, ...]) -> dict[str, Any]:
    configuration = {} if curve.configuration is None else {"configuration": curve.configuration.to_data()}
    trial = {} if curve.trial is None else {"trial": curve.trial}
    return {
        "purpose": curve.purpose,
        "subject": curve.subject,
        "domain": curve.domain,
        "task": curve.task,
        "attack": curve.attack,
        "index": curve.index,
        "cell": curve.cells[0].key,
        "doses": list(curve.doses),
        "failed": curve.failed,
        **configuration,
        **trial,
        "points": [_point(assay, point, known) for point in curve.points],
    }


def _point(assay: Assay, point: DosePoint, known: tuple[Environment, ...]) -> dict[str, Any]:
    protocol = assay.protocol
    asked = {probe.name for probe in point.values}
    domains = [domain.name for domain in protocol.harm.domain if domain.name in asked]
    harm = {harm_probe(point, domain): point_counts(assay, point, domain) for domain in domains}
    beside = [harm_probe(point, domain, kind) for domain in domains for kind in BESIDE]
    harm |= {probe: asked_counts(point, probe) for probe in beside}
    facts = point.facts.to_data()
    del facts["order"]  # drawn from ids of rows, which leave a study under its salt only
    return facts | {
        "environment": known.index(point.facts.environment),
        "scores": {
            probe: {role: _summary(assay.kinds[probe][role], values) for role, values in by_role.items()}
            for probe, by_role in point.values.items()
        },
        "harm": {probe: asdict(counts) for probe, counts in harm.items() if probe and counts is not None},
    }


def _summary(kind: Kind, values: tuple[float | None, ...]) -> dict[str, Any]:
    """What the scores of a judge come to; fingerprints have no sum, for they only tell equal answers."""
    scored = [value for value in values if value is not None]
    total = sum(scored) if scored and kind != "fingerprint" else None
    return {"total": total, "scored": len(scored), "items": len(values)}
