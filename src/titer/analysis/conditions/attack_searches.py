"""The searches of a study as they were read: of each searched attack on each subject trials, shams and re-runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from titer.analysis.findings import Assay, Curve
from titer.analysis.harm_counts import counts_of
from titer.data.identifiers import ProbeId
from titer.protocol.attacker import DoseSchedule, SearchSettings
from titer.protocol.schema import Protocol
from titer.records import Role, digest
from titer.stats.noninferiority import ShareComparison, compare_losses
from titer.stats.search import selection as search_selection
from titer.stats.search.points import TrialPoint, crossing, ranking
from titer.stats.search.trials import Rerun, Search, Trial, TrialSham, completed, wrecked

RATE = "lr"
"""What attacks that train call their learning rate."""
APART = math.sqrt(2) * (1 - 1e-9)
"""A rate lies beyond another from half a doubling on: values are rounded to four digits."""


@dataclass(frozen=True, kw_only=True)
class SearchedRate:
    """What a search tried of the learning rate on one subject, by the selected attack's way of training.

    Attributes:
        low: the lowest rate tried; None where no rate was.
        high: the highest one.
        tried: how many different rates were.
        best: that of the selected attack; None where none is selected.
        at_edge: no rate beyond the best one was tried on one side or on both; or nothing broke the subject, and no
            rate tried wrecked it.
    """

    low: float | None
    high: float | None
    tried: int
    best: float | None
    at_edge: bool

    @property
    def position(self) -> Literal["inside", "at an edge", "not searched"]:
        """Where the best rate lies among those tried."""
        if self.best is None or self.tried < 2:
            return "not searched"
        return "at an edge" if self.at_edge else "inside"


def searched_rate(assay: Assay, label: str, role: Role) -> SearchedRate:
    """What a search tried of the learning rate; nothing where the attack is not searched or has no rate.

    Trials count that ran to their end or failed, for a rate that wrecks the subject is one that was tried; and of them
    those that train what the selected attack trains, for rates of an adapter tell nothing of those of all weights.

    Args:
        assay: the assay.
        label: of the attack.
        role: the subject.
    """
    search = searches_of(assay).get(label, {}).get(role)
    best = None if search is None else search_selection.winner(search)
    if search is None or best is None:
        return SearchedRate(low=None, high=None, tried=0, best=None, at_edge=True)
    ended = [*completed(search), *(trial for trial in search.trials if trial.failure is not None)]
    written = {c.trial: c.configuration.parameters for c in curves_of(assay, label, role) if c.configuration}
    way, rate = trained(written[best.number]), written[best.number].get(RATE)
    same = [one for one in ended if RATE in written[one.number] and trained(written[one.number]) == way]
    if rate is None or not same:
        return SearchedRate(low=None, high=None, tried=0, best=None, at_edge=True)
    rates = sorted({written[one.number][RATE] for one in same})
    if crossing(best.points, search.threshold) is None:
        inside = any(wrecked(search, one) for one in same)
    else:
        inside = rates[0] * APART <= rate <= rates[-1] / APART
    return SearchedRate(low=rates[0], high=rates[-1], tried=len(rates), best=rate, at_edge=not inside)


def trained(parameters: Mapping[str, Any]) -> str:
    """What a configuration trains: all weights, or an adapter."""
    trainable = parameters.get("trainable", "full")
    return str(trainable["kind"] if isinstance(trainable, Mapping) else trainable)


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
    last = _utility(protocol, curve, points[-1].dose) if points else None
    return Trial(
        number=curve.trial,
        round=curve.trial // search_settings(protocol).round,
        configuration=digest(curve.configuration.to_data()),
        points=points,
        utility=None if at is None else _utility(protocol, curve, at.dose),
        failure=curve.failed,
        spoiled=last is not None and not last.shown,
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
