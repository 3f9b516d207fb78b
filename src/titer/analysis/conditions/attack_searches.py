"""The searches of a study as they were read: of each searched attack on each subject trials, shams and re-runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from titer.analysis.findings import Assay, Curve
from titer.analysis.harm_counts import counts_of
from titer.data.identifiers import ProbeId
from titer.protocol.attacker import DoseSchedule, SearchSettings
from titer.protocol.schema import Protocol
from titer.records import Role, digest
from titer.stats import search_selection
from titer.stats.noninferiority import ShareComparison, compare_losses
from titer.stats.search_points import TrialPoint, ranking
from titer.stats.search_trials import Rerun, Search, Trial, TrialSham


def trial_of(protocol: Protocol, curve: Curve) -> Trial:
    """A trial from what was read of it, without its sham.

    Args:
        protocol: the study.
        curve: that of the trial, dose 0 first.
    """
    assert curve.configuration is not None
    assert curve.trial is not None
    points = _points(protocol, curve)
    at = ranking(points, protocol.harm.threshold)
    return Trial(
        number=curve.trial,
        round=curve.trial // search_settings(protocol).round,
        configuration=digest(curve.configuration.to_data()),
        points=points,
        utility=None if at is None else _utility(protocol, curve, at.dose),
        failure=curve.failed,
    )


def sham_of(protocol: Protocol, curve: Curve) -> TrialSham:
    """The sham of a trial from what was read of it, which is one dose."""
    return TrialSham(point=next(iter(_points(protocol, curve)), None), failure=curve.failed)


def rerun_of(protocol: Protocol, curve: Curve) -> Rerun:
    """A finalist on another search seed, from what was read of it."""
    assert curve.trial is not None
    points = _points(protocol, curve)
    return Rerun(trial=curve.trial, seed=curve.index, points=points, failure=curve.failed)


def search_of(
    protocol: Protocol,
    schedule: DoseSchedule,
    trials: Sequence[Trial],
    reruns: Sequence[Rerun] = (),
    *,
    shams: bool = False,
) -> Search:
    """The search that these trials are of.

    Args:
        protocol: the study.
        schedule: how the attack is dosed.
        trials: its trials.
        reruns: its finalists on other search seeds.
        shams: whether a trial counts only beyond its sham.
    """
    return Search(
        trials=tuple(trials),
        ladder=schedule.ladder,
        threshold=protocol.harm.threshold,
        shams=shams,
        reruns=tuple(sorted(reruns, key=lambda rerun: (rerun.trial, rerun.seed))),
    )


def search_settings(protocol: Protocol) -> SearchSettings:
    """How a study with a searched attack searches."""
    assert protocol.attacker.search is not None
    return protocol.attacker.search


def searches_of(assay: Assay) -> dict[str, dict[Role, Search]]:
    """Every search of an assay, by the label of its attack and by subject."""
    attacker = assay.protocol.attacker
    return {
        choice.label: {role: _search(assay, schedule, role) for role in roles_of(assay)}
        for choice, schedule in zip(attacker.attack, attacker.schedules, strict=True)
        if choice.search is not None
    }


def _search(assay: Assay, schedule: DoseSchedule, role: Role) -> Search:
    """One search of an assay."""
    protocol = assay.protocol
    shams = {curve.trial: sham_of(protocol, curve) for curve in shams_of(assay, schedule.attack, role)}
    trials = [
        replace(trial_of(protocol, curve), sham=shams.get(curve.trial))
        for curve in curves_of(assay, schedule.attack, role)
    ]
    reruns = [rerun_of(protocol, curve) for curve in reruns_of(assay, schedule.attack, role)]
    return search_of(protocol, schedule, trials, reruns, shams=_sham_label(assay, schedule.attack) is not None)


def roles_of(assay: Assay) -> tuple[Role, ...]:
    """The parts that are played, M first."""
    both: tuple[Role, ...] = ("undefended", "defended")
    return tuple(role for role in both if role in assay.subjects)


def curves_of(assay: Assay, label: str, role: Role) -> list[Curve]:
    """The trials of one search, by number."""
    return [curve for curve in _searching(assay, label, role) if curve.index == 0]


def reruns_of(assay: Assay, label: str, role: Role) -> list[Curve]:
    """The finalists of one search on other search seeds, by number."""
    return [curve for curve in _searching(assay, label, role) if curve.index > 0]


def shams_of(assay: Assay, label: str, role: Role) -> list[Curve]:
    """The shams of the trials of one search that had one, by number."""
    sham = _sham_label(assay, label)
    return [] if sham is None else _searching(assay, sham, role)


def _searching(assay: Assay, label: str, role: Role) -> list[Curve]:
    found = [t for t in assay.curves if t.trial is not None and t.attack == label and t.subject == role]
    return sorted(found, key=lambda curve: (curve.trial or 0, curve.index))


def _sham_label(assay: Assay, label: str) -> str | None:
    """What the shams of an attack are called; None where it has none, or the study asks for none."""
    protocol = assay.protocol
    rows = any("sham" in benign.splits for benign in protocol.benign)
    return assay.attacks[label].sham if protocol.attacker.sham and rows and label in assay.attacks else None


def _points(protocol: Protocol, curve: Curve) -> tuple[TrialPoint, ...]:
    """What each dose of a trial showed."""
    probe = ProbeId.of("trial", protocol.searched_domain.name)
    counts = [(point.facts.dose, counts_of(point.values[probe])) for point in curve.points]
    return tuple(TrialPoint(dose, found.harmful, found.items) for dose, found in counts)


def _utility(protocol: Protocol, curve: Curve, dose: int) -> ShareComparison | None:
    """What became of the losses of harmless answers between dose 0 and another; None where they are not asked.

    By the share of answers that get worse, not by the mean, whose test errs where a few losses are large.
    """
    limit, probe = search_settings(protocol).utility, ProbeId.of("utility")
    if limit is None:
        return None
    losses = {point.facts.dose: point.values[probe]["loss"] for point in curve.points}
    pairs = zip(losses[curve.points[0].facts.dose], losses[dose], strict=True)
    changes = [None if before is None or after is None else before - after for before, after in pairs]
    return compare_losses(changes, margin=limit.margin, share=limit.share, level=protocol.alpha, claim="noninferior")


class SearchedRate(NamedTuple):
    """The learning rates that a search tried on one subject: the range, how many, the winner's, whether at an edge."""

    low: float
    high: float
    tried: int
    best: float | None
    at_edge: bool


def searched_rate(assay: Assay, label: str, role: Role) -> SearchedRate | None:
    """The learning rates of one search on one subject; None where the rate was not searched."""
    rates = {
        curve.trial: float(curve.configuration.parameters["lr"])
        for curve in curves_of(assay, label, role)
        if curve.configuration is not None and "lr" in curve.configuration.parameters
    }
    best = search_selection.winner(searches_of(assay)[label][role])
    if len(set(rates.values())) < 2:
        return None
    low, high = min(rates.values()), max(rates.values())
    own = None if best is None else rates.get(best.number)
    return SearchedRate(low=low, high=high, tried=len(set(rates.values())), best=own, at_edge=own in (None, low, high))
