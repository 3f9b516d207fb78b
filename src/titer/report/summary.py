"""What is drawn from many curves at once: where each attack breaks, the worst harm so far, and what it all took."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from titer.analysis.conditions.harm_decisions import DecidedCurve, replicates_of
from titer.analysis.findings import Assay
from titer.protocol.dose_axes import Axis
from titer.protocol.exposure import EXPOSED, domains_of
from titer.records import Role, canonical

ROLES: tuple[Role, Role] = ("undefended", "defended")
MatrixState = Literal["intact", "broken", "unclear"]


@dataclass(frozen=True, kw_only=True)
class MatrixCell:
    """One attack on one subject in one domain, over all its runs; doses are on the attack's own axis.

    Attributes:
        runs: how many there are.
        broken_runs: those that break within the budget.
        first_broken: the smallest dose at which a run breaks, within the budget or beyond; None where none does.
        intact_up_to: the largest dose up to which every run is shown intact.
        state: broken where a run breaks within the budget, intact where all are shown intact up to it.
    """

    subject: Role
    attack: str
    domain: str
    axis: str
    budget: int
    runs: int
    broken_runs: int
    first_broken: int | None
    intact_up_to: int
    state: MatrixState


@dataclass(frozen=True, kw_only=True)
class WorstSoFar:
    """The worst harm in one domain by an attacker who has all the attacks on one axis.

    Attributes:
        attacks: the attacks on that axis.
        doses: those of their ladders, in order.
        indices: the seed index of each run.
        runs: of each run the largest share of harmful answers at any dose up to each; None where it had ended before.
        mean: over the runs; None where one had ended.
        within_budget: the mean over the runs of the largest share at any dose up to the budget that was read.
    """

    subject: Role
    domain: str
    axis: str
    budget: int
    attacks: tuple[str, ...]
    doses: tuple[int, ...]
    indices: tuple[int, ...]
    runs: tuple[tuple[float | None, ...], ...]
    mean: tuple[float | None, ...]
    within_budget: float | None


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """What the runs of one attack on one subject took together, as it was counted."""

    purpose: str
    subject: Role
    attack: str
    runs: int
    examples: int
    tokens: int
    flops: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All of it, as it stands in report.json under `summary`."""

    matrix: tuple[MatrixCell, ...]
    worst: tuple[WorstSoFar, ...]
    cost: tuple[CostLine, ...]

    def to_data(self) -> dict[str, Any]:
        """Plain JSON data."""
        data: dict[str, Any] = json.loads(canonical(asdict(self)))
        return data


def summarize(assay: Assay) -> Summary:
    """Draw up the matrix, the worst harm and the cost of an assay."""
    found = list(_decided(assay))
    return Summary(matrix=tuple(_matrix(found)), worst=tuple(_worst(found)), cost=_cost(assay))


@dataclass(frozen=True)
class _Run:
    subject: Role
    index: int
    curve: DecidedCurve


def _decided(assay: Assay) -> Iterator[_Run]:
    for condition in EXPOSED:
        if domains_of(assay.protocol, condition):
            for role in (role for role in ROLES if role in assay.subjects):
                for replicate in replicates_of(assay, condition, role):
                    yield from (_Run(role, replicate.index, curve) for curve in replicate.curves)


def _matrix(found: Sequence[_Run]) -> Iterator[MatrixCell]:
    groups: dict[tuple[str, str, Role], list[DecidedCurve]] = {}
    for run in found:
        groups.setdefault((run.curve.domain, run.curve.attack, run.subject), []).append(run.curve)
    for (domain, attack, subject), runs in groups.items():
        titers = [curve.titer for curve in runs]
        states = [curve.state for curve in runs]
        broken = [int(titer.high) for titer in titers if titer.high is not None]
        state: MatrixState = "unclear"
        if "fails" in states:
            state = "broken"
        elif all(one == "holds" for one in states):
            state = "intact"
        yield MatrixCell(
            subject=subject,
            attack=attack,
            domain=domain,
            axis=runs[0].axis.name,
            budget=runs[0].budget,
            runs=len(runs),
            broken_runs=states.count("fails"),
            first_broken=min(broken, default=None),
            intact_up_to=int(min(titer.low for titer in titers)),
            state=state,
        )


def _worst(found: Sequence[_Run]) -> Iterator[WorstSoFar]:
    groups: dict[tuple[str, Axis, Role], list[_Run]] = {}
    for run in found:
        groups.setdefault((run.curve.domain, run.curve.axis, run.subject), []).append(run)
    for (domain, axis, subject), own in groups.items():
        doses = tuple(sorted({dose for run in own for dose in run.curve.doses}))
        indices = tuple(dict.fromkeys(run.index for run in own))
        runs = tuple(_so_far([run.curve for run in own if run.index == index], doses) for index in indices)
        yield WorstSoFar(
            subject=subject,
            domain=domain,
            axis=axis.name,
            budget=own[0].curve.budget,
            attacks=tuple(dict.fromkeys(run.curve.attack for run in own)),
            doses=doses,
            indices=indices,
            runs=runs,
            mean=tuple(_mean(shares) for shares in zip(*runs, strict=True)),
            within_budget=_mean([_last(doses, shares, own[0].curve.budget) for shares in runs]),
        )


def _mean(shares: Sequence[float | None]) -> float | None:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if len(known) == len(shares) else None


def _last(doses: Sequence[int], shares: Sequence[float | None], budget: int) -> float | None:
    """The largest share that a run has reached by the budget; None where it was read at no dose."""
    known = [share for dose, share in zip(doses, shares, strict=True) if dose <= budget and share is not None]
    return known[-1] if known else None


def _so_far(curves: Sequence[DecidedCurve], doses: Sequence[int]) -> tuple[float | None, ...]:
    """The largest share of harmful answers at any dose up to each, over some curves of one seed."""
    read = [
        (dose, counts.harmful / counts.items)
        for curve in curves
        for dose, counts in zip(curve.doses, curve.counts, strict=True)
        if counts is not None
    ]
    last = max((dose for dose, _ in read), default=-1)
    return tuple(max(share for dose, share in read if dose <= until) if until <= last else None for until in doses)


def _cost(assay: Assay) -> tuple[CostLine, ...]:
    totals: dict[tuple[str, Role, str], list[int]] = {}
    for curve in assay.curves:
        if curve.points:
            spent = curve.points[-1].facts.spent
            total = totals.setdefault((curve.purpose, curve.subject, curve.attack), [0, 0, 0, 0])
            for place, amount in enumerate((1, spent.examples, spent.tokens, spent.flops)):
                total[place] += amount
    return tuple(
        CostLine(purpose=purpose, subject=subject, attack=attack, runs=runs, examples=rows, tokens=tokens, flops=flops)
        for (purpose, subject, attack), (runs, rows, tokens, flops) in totals.items()
        if rows or tokens or flops
    )
