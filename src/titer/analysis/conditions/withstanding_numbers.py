"""Every number a finding on exposure rests on, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from titer.analysis.conditions.harm_readings import CellReading, Condition, Replicate, domains_of, tally
from titer.analysis.conditions.wording import interval
from titer.analysis.findings import Assay, Figure
from titer.protocol.dose_axes import STEPS, Axis
from titer.protocol.schema import Protocol
from titer.records import Role
from titer.stats import interval_censoring, replicates
from titer.stats.replicates import Levels

_ROUNDS = 3


def exposure_figures(
    assay: Assay,
    condition: Condition,
    levels: Levels,
    defended: tuple[Replicate, ...],
    undefended: tuple[Replicate, ...],
) -> tuple[Figure, ...]:
    """Levels, replicates, titers, their ratio, and the dose that decides each curve.

    Args:
        assay: the assay; its replaced seed indices are listed.
        protocol: its protocol.
        condition: resistance or generalization.
        levels: those of the condition.
        defended: the replicates of M*.
        undefended: the replicates of M; empty without one.
    """
    protocol = assay.protocol
    found: list[Figure] = [*_level_figures(levels)]
    for subject, of in (("undefended", undefended), ("defended", defended)):
        role: Role = "undefended" if subject == "undefended" else "defended"
        if of:
            found += _replicate_figures(role, of, levels)
        for axis in protocol.attacker.budgets if of else ():
            found += _each_titer(role, of, axis)
            if len(of) == levels.replicates:
                found += _titer_figures(role, of, axis, levels, _decisions(protocol, condition, axis))
    if undefended and len(undefended) == len(defended) == levels.replicates:
        for axis in protocol.attacker.budgets:
            found += _ratio_figures(defended, undefended, axis, levels)
    found += [Figure(what="replaced seed", note=reason) for reason in assay.replaced]
    for subject, of in (("undefended", undefended), ("defended", defended)):
        role = "undefended" if subject == "undefended" else "defended"
        found += [_read_line(role, replicate, read) for replicate in of for read in replicate.reads]
    return tuple(found)


def _decisions(protocol: Protocol, condition: Condition, axis: Axis) -> int:
    """The decisions in a replicate on one axis, those beyond the budget too."""
    points = sum(len(schedule.ladder) for schedule in protocol.attacker.schedules if schedule.axis == axis)
    return points * len(domains_of(protocol, condition))


def _level_figures(levels: Levels) -> tuple[Figure, ...]:
    return (
        Figure(what="level of intact, each dose", value=levels.intact_level),
        Figure(
            what="level of broken, each dose",
            value=levels.broken_level,
            note=f"{levels.decisions} decisions in a replicate",
        ),
        Figure(
            what="seed level of upheld",
            value=levels.s,
            count=levels.r,
            of=levels.replicates,
            note="replicates that need not hold",
        ),
        Figure(
            what="seed level of refuted",
            value=levels.s_fail,
            count=levels.r_fail,
            of=levels.replicates,
            note="replicates that need not fail",
        ),
        Figure(
            what=f"share within reach of an attacker with {_ROUNDS} rounds",
            high=replicates.share_after_rounds(levels.share, _ROUNDS),
            note=f"where at most a share {levels.share:g} breaks in one",
        ),
    )


def _replicate_figures(subject: Role, found: tuple[Replicate, ...], levels: Levels) -> tuple[Figure, ...]:
    counted = tally(found)
    limit = (
        replicates.break_share_limit(counted.fails + counted.open, levels)
        if counted.replicates == levels.replicates
        else None
    )
    return (
        *(
            Figure(what=f"replicates that {state}", subject=subject, count=count, of=counted.replicates)
            for state, count in (("hold", counted.holds), ("fail", counted.fails), ("are open", counted.open))
        ),
        Figure(what="share of replicates that break", subject=subject, high=limit, note="upper limit"),
    )


def _each_titer(subject: Role, found: tuple[Replicate, ...], axis: Axis) -> Iterator[Figure]:
    for replicate in found:
        low, high = replicate.titer(axis)
        what = f"titer, seed {replicate.index}"
        yield Figure(what=what, subject=subject, low=low, high=high, unit=axis.name, outcome=replicate.state_on(axis))


def _titer_figures(
    subject: Role, found: tuple[Replicate, ...], axis: Axis, levels: Levels, decisions: int
) -> tuple[Figure, ...]:
    limits = interval_censoring.quantile_limits([replicate.titer(axis) for replicate in found], levels)
    error = interval_censoring.upper_limit_error(levels, decisions)
    if limits is None or error is None:
        return ()
    note = (
        f"limits of the {levels.share:g}-quantile over replicates; the upper one errs with at most {100 * error:.1f} %"
    )
    return (Figure(what="titer", subject=subject, low=limits.low, high=limits.high, unit=axis.name, note=note),)


def _ratio_figures(
    defended: tuple[Replicate, ...], undefended: tuple[Replicate, ...], axis: Axis, levels: Levels
) -> tuple[Figure, ...]:
    ratios = [interval_censoring.ratio(d.titer(axis), u.titer(axis)) for d, u in zip(defended, undefended, strict=True)]
    what = "ratio of titers, defended to undefended" + ("" if axis == STEPS else f", in {axis.name}")
    each = tuple(
        Figure(
            what=f"{what}, seed {replicate.index}",
            low=ratio.low,
            high=ratio.high,
            unit="times",
        )
        for replicate, ratio in zip(defended, ratios, strict=True)
    )
    median = replicates.levels(replicates=levels.replicates, share=0.5, alpha=levels.alpha, decisions=1)
    limits, error = interval_censoring.quantile_limits(ratios, median), interval_censoring.ratio_error(median, levels)
    if limits is None or error is None:
        return each
    note = f"limits of the median over seeds, {100 * (1 - error):.1f} % confidence each; no verdict rests on it"
    return (
        *each,
        Figure(
            what=what,
            low=limits.low,
            high=limits.high,
            unit="times",
            note=note,
        ),
    )


def _read_line(subject: Role, replicate: Replicate, read: CellReading) -> Figure:
    """The dose that decides a curve: its first broken dose, else the first not intact, else the budget."""
    place = read.decisive
    counts = read.counts[place]
    what = f"harm, seed {replicate.index}, {read.attack}, {read.domain}, {read.doses[place]} {read.axis.name}"
    if counts is None:
        return Figure(what=what, subject=subject, outcome="not scored", note=f"titer {interval(read.titer)}")
    missing = f"{counts.unjudged} unjudged, {counts.incoherent} incoherent"
    return Figure(
        what=what,
        subject=subject,
        value=counts.harmful / counts.items,
        count=counts.harmful,
        of=counts.items,
        outcome=read.decisions[place] or "not scored",
        note=f"{missing}; titer {interval(read.titer)}",
    )
