"""What a chart or table shows of an assay: per panel one line for each seed, taken from the curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from titer.analysis.findings import Assay, Curve, DosePoint, values_of
from titer.analysis.found_nothing import found_nothing
from titer.analysis.harm_counts import asked_counts, harm_probe, point_counts
from titer.data.identifiers import ProbeId, ProbeKind
from titer.protocol.dose_axes import STEPS, Axis
from titer.protocol.schema import Protocol
from titer.records import Role
from titer.stats.binomial import Counts

Series = Literal["undefended", "defended", "undefended sham", "defended sham"]
"""Whose curve it is, and whether it is one of training on harmless rows."""
RateUnit = Literal["rate", "nats per token"]
_SHAMS: Final[Mapping[Role, Series]] = {"undefended": "undefended sham", "defended": "defended sham"}


@dataclass(frozen=True, kw_only=True)
class PlottedPoint:
    """What was found at one dose, as bounds: nothing is dropped from the denominator.

    Attributes:
        dose: on the attack's own axis.
        low: rate if no missing or incoherent answer counts, or the mean loss in nats per token.
        high: rate if all of them count; the same as `low` for a loss.
        items: items asked.
        displacement: how far the weights are from those at dose 0, as a share of their length.
        looked_for: what the attack looked for in vain, where for want of it the weights are as they were.
    """

    dose: int
    low: float
    high: float
    items: int
    displacement: float = 0.0
    looked_for: str = ""


@dataclass(frozen=True, kw_only=True)
class PlottedCurve:
    """One curve as it is drawn: whose it is, its seed index, its points in order of dose, its place in the assay."""

    series: Series
    index: int
    points: tuple[PlottedPoint, ...]
    place: int = field(default=-1, compare=False)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The curves that share one pair of axes: one domain or task under one attack, whose doses are on `axis`."""

    title: str
    about: str
    attack: str
    unit: RateUnit
    axis: Axis
    ladder: tuple[int, ...]
    budget: int | None
    curves: tuple[PlottedCurve, ...]
    rule: float | None

    def of(self, series: Series) -> tuple[PlottedCurve, ...]:
        """The curves of one series, by seed index."""
        return tuple(curve for curve in self.curves if curve.series == series)


def harm_panels(assay: Assay) -> tuple[Panel, ...]:
    """Harm against dose: one panel for each domain and attack, its own sham on each subject beside it."""
    protocol = assay.protocol
    panels = []
    shams = [place for place, curve in enumerate(assay.curves) if curve.purpose == "sham"]
    for domain in protocol.harm.domain:
        attacked: dict[str, list[int]] = {}
        for place, curve in enumerate(assay.curves):
            if curve.domain == domain.name and curve.purpose in ("resistance", "generalization"):
                attacked.setdefault(curve.attack, []).append(place)
        for attack, places in attacked.items():
            schedule = protocol.attacker.schedule_of(attack)
            own = assay.attacks[attack].sham if attack in assay.attacks else None
            twins = [place for place in shams if assay.curves[place].attack == own]
            curves = [assay.curves[place] for place in places]
            plotted = [_harm_curve(assay, place, domain.name) for place in [*places, *twins]]
            panels.append(
                Panel(
                    title=_title(protocol, curves[0]),
                    about=domain.name,
                    attack=attack,
                    unit="rate",
                    axis=schedule.axis,
                    budget=schedule.budget,
                    ladder=_ladder(curves),
                    curves=_drawn(plotted),
                    rule=protocol.harm.threshold,
                )
            )
    return tuple(panel for panel in panels if panel.curves)


def curves_beside(assay: Assay, panel: Panel, kind: ProbeKind) -> tuple[PlottedCurve, ...]:
    """What is asked of harm besides, of the curves of a harm panel; none where its attack is not asked in that way.

    Args:
        assay: the assay.
        panel: one of its harm panels.
        kind: the way.
    """
    protocol = assay.protocol
    curves = []
    for drawn in (*panel.of("undefended"), *panel.of("defended")):
        probes = [(point, harm_probe(point, panel.about, kind)) for point in assay.curves[drawn.place].points]
        asked = [(point, asked_counts(point, probe)) for point, probe in probes]
        points = tuple(_plotted(protocol, point, counts) for point, counts in asked if counts is not None)
        curves.append(replace(drawn, points=points))
    return _drawn(curves)


def trainability_panels(assay: Assay) -> tuple[Panel, ...]:
    """A benign task against dose: one panel for each task and attack."""
    protocol = assay.protocol
    if protocol.trainability is None:
        return ()
    panels = []
    for task in protocol.trainability.tasks:
        of_task: dict[str, list[int]] = {}
        for place, curve in enumerate(assay.curves):
            if curve.purpose == "trainability" and curve.task == task:
                of_task.setdefault(curve.attack, []).append(place)
        for attack, places in of_task.items():
            panels.append(
                Panel(
                    title=f"{task}, {attack}",
                    about=task,
                    attack=attack,
                    axis=STEPS,
                    budget=None,
                    unit="nats per token" if protocol.task_named(task).kind == "loss" else "rate",
                    ladder=_ladder(assay.curves[place] for place in places),
                    curves=_drawn(_task_curve(assay, place) for place in places),
                    rule=protocol.trainability.target.get(task),
                )
            )
    return tuple(panel for panel in panels if panel.curves)


def harm_point(assay: Assay, point: DosePoint, domain: str) -> PlottedPoint | None:
    """The harm rate of a domain at one dose, or None where its probe was not asked or not judged."""
    protocol = assay.protocol
    counts = point_counts(assay, point, domain)
    return None if counts is None else _plotted(protocol, point, counts)


def _plotted(protocol: Protocol, point: DosePoint, counts: Counts) -> PlottedPoint:
    low, high, items = counts.low, counts.high(collapse_counts=protocol.harm.collapse_counts), counts.items
    return PlottedPoint(
        dose=point.facts.dose,
        low=low / items,
        high=high / items,
        items=items,
        displacement=point.facts.displacement,
        looked_for=vain.en if (vain := found_nothing(point.facts)) else "",
    )


def rate_point(point: DosePoint, probe: ProbeId, role: str, kind: str) -> PlottedPoint | None:
    """The rate (or mean loss) of one judge at one dose, or None where nothing was scored."""
    values = values_of(point, probe, role)
    scored = [value for value in values or () if value is not None]
    if values is None or not scored:
        return None
    if kind == "loss":
        mean = sum(scored) / len(scored)
        return PlottedPoint(dose=point.facts.dose, low=mean, high=mean, items=len(scored))
    total, missing = sum(scored), len(values) - len(scored)
    low, high = total / len(values), (total + missing) / len(values)
    return PlottedPoint(dose=point.facts.dose, low=low, high=high, items=len(values))


def _title(protocol: Protocol, curve: Curve) -> str:
    unseen = protocol.defended and curve.domain in {domain.name for domain in protocol.domains("cross")}
    return f"{curve.domain}{' (unseen)' if unseen else ''}, {curve.attack}"


def _harm_curve(assay: Assay, place: int, domain: str) -> PlottedCurve:
    curve = assay.curves[place]
    points = [harm_point(assay, point, domain) for point in curve.points]
    series = _SHAMS[curve.subject] if curve.purpose == "sham" else curve.subject
    found = tuple(point for point in points if point)
    return PlottedCurve(series=series, index=curve.index, points=found, place=place)


def _task_curve(assay: Assay, place: int) -> PlottedCurve:
    curve = assay.curves[place]
    probe = ProbeId.of("task", curve.task or "")
    points = [
        rate_point(point, probe, role, kind)
        for point in curve.points
        for role, kind in assay.kinds[probe].items()
        if kind in ("correct", "loss")
    ]
    found = tuple(point for point in points if point)
    return PlottedCurve(series=curve.subject, index=curve.index, points=found, place=place)


def _ladder(curves: Iterable[Curve]) -> tuple[int, ...]:
    return tuple(sorted({dose for curve in curves for dose in curve.doses}))


def _drawn(curves: Iterable[PlottedCurve]) -> tuple[PlottedCurve, ...]:
    return tuple(sorted((c for c in curves if c.points), key=lambda curve: (curve.series, curve.index)))
