"""What a chart or table shows of an assay: per panel one curve for each seed, read off the traces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from titer.analysis.conditions.harm_readings import asked_counts, rung_counts
from titer.analysis.findings import Assay, RungReadings, Trace, values_of
from titer.protocol.dose_axes import STEPS, Axis
from titer.protocol.schema import Protocol
from titer.stats.binomial import Counts

Series = Literal["M", "M*", "M, sham"]
Unit = Literal["rate", "nats per token"]


@dataclass(frozen=True, kw_only=True)
class PlottedPoint:
    """What was read at one dose, as bounds: nothing is dropped from the denominator.

    Attributes:
        dose: on the attack's own axis.
        low: rate if no missing or incoherent answer counts, or the mean loss in nats per token.
        high: rate if all of them count; the same as `low` for a loss.
        items: items asked.
    """

    dose: int
    low: float
    high: float
    items: int


@dataclass(frozen=True, kw_only=True)
class PlottedCurve:
    """One trace as it is drawn: whose it is, its seed index, and its points in order of dose."""

    series: Series
    index: int
    points: tuple[PlottedPoint, ...]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The curves that share one pair of axes: one domain or task under one attack, whose doses are on `axis`."""

    title: str
    unit: Unit
    axis: Axis
    ladder: tuple[int, ...]
    budget: int | None
    curves: tuple[PlottedCurve, ...]
    rule: float | None

    def of(self, series: Series) -> tuple[PlottedCurve, ...]:
        """The curves of one series, by seed index."""
        return tuple(curve for curve in self.curves if curve.series == series)


def harm_panels(assay: Assay, protocol: Protocol) -> tuple[Panel, ...]:
    """Harm against dose: one panel for each domain and attack, its own sham beside it."""
    panels = []
    for domain in protocol.harm.domain:
        attacked = [
            trace
            for trace in assay.traces
            if trace.domain == domain.name and trace.purpose in ("resistance", "generalization")
        ]
        shams = [trace for trace in assay.traces if trace.purpose == "sham"]
        for attack in dict.fromkeys(trace.attack for trace in attacked):
            dosing = protocol.attacker.dosing_of(attack)
            traces = [trace for trace in attacked if trace.attack == attack]
            twins = [trace for trace in shams if _is_twin(trace.attack, attack)]
            curves = [_harm_curve(assay, protocol, trace, domain.name) for trace in [*traces, *twins]]
            panels.append(
                Panel(
                    title=_title(protocol, traces[0]),
                    unit="rate",
                    axis=dosing.axis,
                    budget=dosing.budget,
                    ladder=_ladder(traces),
                    curves=_drawn(curves),
                    rule=protocol.harm.threshold,
                )
            )
    return tuple(panel for panel in panels if panel.curves)


def plain_curves(assay: Assay, protocol: Protocol, panel: Panel) -> tuple[PlottedCurve, ...]:
    """Harm as the study asks it, of the traces of a harm panel whose attack is read in that way besides; else none."""
    curves = []
    for trace in assay.traces:
        if trace.purpose in ("resistance", "generalization") and panel.title == _title(protocol, trace):
            read = [(rung, asked_counts(assay, rung, f"plain:{trace.domain}")) for rung in trace.rungs]
            points = tuple(_plotted(protocol, rung, counts) for rung, counts in read if counts is not None)
            curves.append(PlottedCurve(series=trace.subject, index=trace.index, points=points))
    return _drawn(curves)


def trainability_panels(assay: Assay, protocol: Protocol) -> tuple[Panel, ...]:
    """A benign task against dose: one panel for each task and attack."""
    if protocol.trainability is None:
        return ()
    panels = []
    for task in protocol.trainability.tasks:
        of_task = [t for t in assay.traces if t.purpose == "trainability" and t.task == task]
        for attack in dict.fromkeys(trace.attack for trace in of_task):
            traces = [trace for trace in of_task if trace.attack == attack]
            panels.append(
                Panel(
                    title=f"{task}, {attack}",
                    axis=STEPS,
                    budget=None,
                    unit="nats per token" if protocol.task_named(task).kind == "loss" else "rate",
                    ladder=_ladder(traces),
                    curves=_drawn(_task_curve(assay, trace) for trace in traces),
                    rule=protocol.trainability.target.get(task),
                )
            )
    return tuple(panel for panel in panels if panel.curves)


def harm_point(assay: Assay, protocol: Protocol, rung: RungReadings, domain: str) -> PlottedPoint | None:
    """The harm rate of a domain at one rung, or None where its probe was not asked or not judged."""
    counts = rung_counts(assay, protocol, rung, domain)
    return None if counts is None else _plotted(protocol, rung, counts)


def _plotted(protocol: Protocol, rung: RungReadings, counts: Counts) -> PlottedPoint:
    low, high, items = counts.low, counts.high(collapse_counts=protocol.harm.collapse_counts), counts.items
    return PlottedPoint(dose=rung.facts.dose, low=low / items, high=high / items, items=items)


def rate_point(rung: RungReadings, probe: str, role: str, kind: str) -> PlottedPoint | None:
    """The rate (or mean loss) of one judge at one rung, or None where nothing could be read."""
    values = values_of(rung, probe, role)
    read = [value for value in values or () if value is not None]
    if values is None or not read:
        return None
    if kind == "loss":
        mean = sum(read) / len(read)
        return PlottedPoint(dose=rung.facts.dose, low=mean, high=mean, items=len(read))
    total, missing = sum(read), len(values) - len(read)
    low, high = total / len(values), (total + missing) / len(values)
    return PlottedPoint(dose=rung.facts.dose, low=low, high=high, items=len(values))


def _title(protocol: Protocol, trace: Trace) -> str:
    unseen = protocol.defended and trace.domain in {domain.name for domain in protocol.domains("cross")}
    return f"{trace.domain}{' (unseen)' if unseen else ''}, {trace.attack}"


def _harm_curve(assay: Assay, protocol: Protocol, trace: Trace, domain: str) -> PlottedCurve:
    points = [harm_point(assay, protocol, rung, domain) for rung in trace.rungs]
    series: Series = "M, sham" if trace.purpose == "sham" else trace.subject
    return PlottedCurve(series=series, index=trace.index, points=tuple(point for point in points if point))


def _task_curve(assay: Assay, trace: Trace) -> PlottedCurve:
    probe = f"task:{trace.task}"
    points = [
        rate_point(rung, probe, role, kind)
        for rung in trace.rungs
        for role, kind in assay.kinds[probe].items()
        if kind in ("correct", "loss")
    ]
    return PlottedCurve(series=trace.subject, index=trace.index, points=tuple(point for point in points if point))


def _is_twin(sham: str, attack: str) -> bool:
    """Whether a sham has the parameters of an attack: their labels differ in the name only."""
    return sham.removeprefix("sham") == attack.removeprefix("direct")


def _ladder(traces: Iterable[Trace]) -> tuple[int, ...]:
    return tuple(sorted({dose for trace in traces for dose in trace.doses}))


def _drawn(curves: Iterable[PlottedCurve]) -> tuple[PlottedCurve, ...]:
    return tuple(sorted((c for c in curves if c.points), key=lambda curve: (curve.series, curve.index)))
