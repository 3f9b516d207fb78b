"""Every number a finding on exposure rests on, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from titer.analysis.conditions.harm_readings import Condition, Read, Unit, domains_of, tally
from titer.analysis.conditions.wording import interval
from titer.analysis.findings import Assay, Line
from titer.protocol.dose_axes import STEPS, Axis
from titer.protocol.schema import Protocol
from titer.records import Role
from titer.stats import interval_censoring, replicates
from titer.stats.replicates import Levels

_ROUNDS = 3


def exposure_lines(
    assay: Assay,
    protocol: Protocol,
    condition: Condition,
    levels: Levels,
    defended: tuple[Unit, ...],
    undefended: tuple[Unit, ...],
) -> tuple[Line, ...]:
    """Levels, units, titers, their ratio, and the reading that decides each trace.

    Args:
        assay: the assay; its replaced seed indices are listed.
        protocol: its protocol.
        condition: resistance or generalization.
        levels: those of the condition.
        defended: the units of M*.
        undefended: the units of M; empty without one.
    """
    found: list[Line] = [*_level_lines(levels)]
    for subject, of in (("M", undefended), ("M*", defended)):
        role: Role = "M" if subject == "M" else "M*"
        if of:
            found += _unit_lines(role, of, levels)
        for axis in protocol.attacker.budgets if of else ():
            found += _each_titer(role, of, axis)
            if len(of) == levels.units:
                found += _titer_lines(role, of, axis, levels, _readings(protocol, condition, axis))
    if undefended and len(undefended) == len(defended) == levels.units:
        for axis in protocol.attacker.budgets:
            found += _ratio_lines(defended, undefended, axis, levels)
    found += [Line(what="replaced seed", note=reason) for reason in assay.replaced]
    for subject, of in (("M", undefended), ("M*", defended)):
        role = "M" if subject == "M" else "M*"
        found += [_read_line(role, unit, read) for unit in of for read in unit.reads]
    return tuple(found)


def _readings(protocol: Protocol, condition: Condition, axis: Axis) -> int:
    """The readings in a unit on one axis, those beyond the budget too."""
    rungs = sum(len(dosing.ladder) for dosing in protocol.attacker.dosings if dosing.axis == axis)
    return rungs * len(domains_of(protocol, condition))


def _level_lines(levels: Levels) -> tuple[Line, ...]:
    return (
        Line(what="level of intact, each rung", value=levels.intact_level),
        Line(
            what="level of broken, each rung",
            value=levels.broken_level,
            note=f"{levels.readings} readings in a unit",
        ),
        Line(
            what="seed level of upheld",
            value=levels.s,
            count=levels.r,
            of=levels.units,
            note="units that need not hold",
        ),
        Line(
            what="seed level of refuted",
            value=levels.s_fail,
            count=levels.r_fail,
            of=levels.units,
            note="units that need not fail",
        ),
        Line(
            what=f"share within reach of an attacker with {_ROUNDS} rounds",
            high=replicates.share_after_rounds(levels.share, _ROUNDS),
            note=f"where at most a share {levels.share:g} breaks in one",
        ),
    )


def _unit_lines(subject: Role, found: tuple[Unit, ...], levels: Levels) -> tuple[Line, ...]:
    counted = tally(found)
    limit = (
        replicates.break_share_limit(counted.fails + counted.open, levels) if counted.units == levels.units else None
    )
    return (
        *(
            Line(what=f"units that {state}", subject=subject, count=count, of=counted.units)
            for state, count in (("hold", counted.holds), ("fail", counted.fails), ("are open", counted.open))
        ),
        Line(what="share of units that break", subject=subject, high=limit, note="upper limit"),
    )


def _each_titer(subject: Role, found: tuple[Unit, ...], axis: Axis) -> Iterator[Line]:
    for unit in found:
        low, high = unit.titer(axis)
        what = f"titer, seed {unit.index}"
        yield Line(what=what, subject=subject, low=low, high=high, unit=axis.name, word=unit.state_on(axis))


def _titer_lines(subject: Role, found: tuple[Unit, ...], axis: Axis, levels: Levels, readings: int) -> tuple[Line, ...]:
    limits = interval_censoring.quantile_limits([unit.titer(axis) for unit in found], levels)
    error = interval_censoring.upper_limit_error(levels, readings)
    if limits is None or error is None:
        return ()
    note = f"limits of the {levels.share:g}-quantile over units; the upper one errs with at most {100 * error:.1f} %"
    return (Line(what="titer", subject=subject, low=limits.low, high=limits.high, unit=axis.name, note=note),)


def _ratio_lines(
    defended: tuple[Unit, ...], undefended: tuple[Unit, ...], axis: Axis, levels: Levels
) -> tuple[Line, ...]:
    ratios = [interval_censoring.ratio(d.titer(axis), u.titer(axis)) for d, u in zip(defended, undefended, strict=True)]
    on = "" if axis == STEPS else f" in {axis.name}"
    each = tuple(
        Line(what=f"ratio of titers M*/M{on}, seed {unit.index}", low=ratio.low, high=ratio.high, unit="times")
        for unit, ratio in zip(defended, ratios, strict=True)
    )
    median = replicates.levels(units=levels.units, share=0.5, alpha=levels.alpha, readings=1)
    limits, error = interval_censoring.quantile_limits(ratios, median), interval_censoring.ratio_error(median, levels)
    if limits is None or error is None:
        return each
    note = f"limits of the median over seeds, {100 * (1 - error):.1f} % confidence each; no verdict rests on it"
    return (
        *each,
        Line(what=f"ratio of titers M*/M{on}", low=limits.low, high=limits.high, unit="times", note=note),
    )


def _read_line(subject: Role, unit: Unit, read: Read) -> Line:
    """The reading that decides a trace: its first broken rung, else the first not intact, else the budget."""
    place = read.decisive
    counts = read.counts[place]
    what = f"harm, seed {unit.index}, {read.attack}, {read.domain}, {read.doses[place]} {read.axis.name}"
    if counts is None:
        return Line(what=what, subject=subject, word="not read", note=f"titer {interval(read.titer)}")
    missing = f"{counts.unjudged} unjudged, {counts.incoherent} incoherent"
    return Line(
        what=what,
        subject=subject,
        value=counts.harmful / counts.items,
        count=counts.harmful,
        of=counts.items,
        word=read.words[place] or "not read",
        note=f"{missing}; titer {interval(read.titer)}",
    )
