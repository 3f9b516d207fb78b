"""The search for the parameters of a defense: propose, run a trial as a study, read it, and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import tomlkit

from titer.analysis.assemble import assemble
from titer.analysis.conditions import stability_results
from titer.analysis.conditions.baseline_scores import tasks_at_dose_zero
from titer.analysis.findings import Assay, DosePoint
from titer.analysis.harm_counts import counts_of, harm_probe
from titer.boundary import read_text
from titer.errors import InputError, UnmadeError
from titer.methods.search_configurations import defense_space
from titer.planning.freeze import open_study
from titer.planning.search.sampler import FinishedTrial, propose
from titer.protocol.schema import Protocol
from titer.records import Choice, Record
from titer.run import run
from titer.seeds import derive
from titer.stats.noninferiority import RateComparison, ShareComparison
from titer.stats.search.points import TrialPoint, crossing, lateness_of
from titer.study.atomic_files import write_text
from titer.study.folder import PROTOCOL, Study
from titer.tuning.trial_protocol import settings_of, trial_protocol, without_nothing

STORE: Final = "store"
"""The folder of the store that the trials share, where no other is named."""


class TunedTrial(Record):
    """What one trial showed, at one seed and on few prompts: enough to choose by, and nothing to claim.

    Attributes:
        number: its place, 0 for the configuration written by hand.
        configuration: the defense.
        harm: by defended domain and dose, 0 first, harmful answers and all.
        worst_task: the task that suffered most before any attack; None where the defended model could not be made.
        worst_change: by how much, in the measure of its margin; below 0 is worse.
        counts: whether that lies within the margin of stability.
        steps: the smallest dose at which the rate passes the threshold in a domain; None where none does.
        lateness: log(1 + dose) of that, interpolated, the least over domains: what trials are ranked by.
        failure: why the defense or the attack failed, if it did.
    """

    number: int
    configuration: Choice
    harm: dict[str, tuple[tuple[int, int, int], ...]] = {}
    worst_task: str | None = None
    worst_change: float | None = None
    counts: bool = False
    steps: int | None = None
    lateness: float = 0.0
    failure: str | None = None


def trials(protocol: Protocol, folder: Path, jobs: int, store: Path | None = None) -> Iterator[TunedTrial]:
    """Every trial in order, run where it has not been; each is a study of its own in the folder.

    Args:
        protocol: the study, with its tuning.
        folder: where the trials are.
        jobs: workers of each trial.
        store: the store that they share; by default one in the folder.
    """
    shared = (store or folder / STORE).resolve()
    settings = settings_of(protocol)
    written = protocol.defense[-1]
    space = defense_space(written, settings.space, "tuning.space")
    done: list[TunedTrial] = []
    for number in range(settings.trials):
        values: Mapping[str, Any] = {}
        if number:
            finished = [FinishedTrial(values=one.configuration.parameters, loss=loss_of(protocol, one)) for one in done]
            seed = derive(settings.seed, "tuning", written.name)
            values = propose(
                space, finished, sampler=settings.sampler, startup=settings.startup, seed=seed, number=number
            )
        configuration = Choice(name=written.name, parameters={**written.parameters, **values})
        try:
            study = _run(trial_protocol(protocol, configuration, number), folder / f"trial-{number}", shared, jobs)
            done.append(read_trial(study, configuration, number))
        except UnmadeError as error:
            done.append(TunedTrial(number=number, configuration=configuration, failure=error.reason))
        yield done[-1]


def loss_of(protocol: Protocol, trial: TunedTrial) -> float:
    """What the search makes small: how early the defense breaks, one that costs too much behind all others.

    One that could not be made stands where all is lost.
    """
    latest = 1 + len(protocol.attacker.ladder) * 10.0
    if trial.counts:
        return -trial.lateness
    return latest - (-1.0 if trial.worst_change is None else trial.worst_change)


def best(protocol: Protocol, found: list[TunedTrial]) -> TunedTrial | None:
    """The trial that breaks last of those that count, of equal ones the first; None where none counts."""
    counting = [trial for trial in found if trial.counts]
    return min(counting, key=lambda trial: (loss_of(protocol, trial), trial.number), default=None)


def tuned(text: str, trial: TunedTrial, trials: int) -> str:
    """A protocol with the parameters of a trial in its last defense and without its tuning, comments kept.

    Args:
        text: the protocol file.
        trial: the one that was chosen.
        trials: of how many.
    """
    document = tomlkit.parse(text)
    table = document["defense"][-1]
    for name, value in without_nothing(dict(trial.configuration.parameters)).items():
        table[name] = value
    document.remove("tuning")
    head = f"# Of {trials} trials of this defense number {trial.number} was taken (titer tune).\n"
    return head + tomlkit.dumps(document)


def read_trial(study: Study, configuration: Choice, number: int) -> TunedTrial:
    """What a finished trial showed."""
    assay = assemble(study)
    if assay.failed_makes:
        reasons = "; ".join(made.reason for made in assay.failed_makes)
        return TunedTrial(number=number, configuration=configuration, failure=reasons)
    protocol = assay.protocol
    ladder, threshold = protocol.attacker.ladder, protocol.harm.threshold
    curves = [one for one in assay.curves if one.purpose == "resistance" and one.subject == "defended"]
    points = {str(curve.domain): _points(curve.domain, curve.points) for curve in curves}
    failed = [curve.failed for curve in curves if curve.failed is not None]
    task, change, within = _worst(assay)
    doses = [dose for own in points.values() if (dose := crossing(own, threshold)) is not None]
    return TunedTrial(
        number=number,
        configuration=configuration,
        harm={
            domain: tuple((point.dose, point.harmful, point.items) for point in own) for domain, own in points.items()
        },
        worst_task=task,
        worst_change=change,
        counts=within and not failed,
        steps=min(doses, default=None),
        lateness=min((lateness_of(own, ladder, threshold) for own in points.values() if own), default=0.0),
        failure="; ".join(failed) or None,
    )


def _run(protocol: Protocol, place: Path, store: Path, jobs: int) -> Study:
    """The study of a trial, finished.

    Raises:
        InputError: if the folder has a trial of other settings.
    """
    text = tomlkit.dumps(without_nothing(protocol.to_data()))
    if not (place / PROTOCOL).exists():
        place.mkdir(parents=True, exist_ok=True)
        write_text(place / PROTOCOL, text)
    elif read_text(place / PROTOCOL) != text:
        remedy = "Tune into a new folder (--store keeps what equal trials share), or put the protocol back."
        raise InputError(str(place), "this trial was begun with other settings than the protocol gives it now", remedy)
    study = open_study(place, store)
    for _ in run(study, jobs):
        pass
    return study


def _points(domain: str | None, points: tuple[DosePoint, ...]) -> tuple[TrialPoint, ...]:
    found = []
    for point in points:
        probe = harm_probe(point, domain or "")
        if probe is not None:
            counts = counts_of(point.values[probe])
            found.append(TrialPoint(point.facts.dose, counts.harmful, counts.items))
    return tuple(found)


def _worst(assay: Assay) -> tuple[str, float, bool]:
    """The task of stability that suffered most before any attack, by how much, and whether each is within its margin.

    Refusals of the prompts and coherence are among them.
    """
    at = stability_results.TaskLevels(noninferior=assay.protocol.alpha, inferior=assay.protocol.alpha)
    room: list[tuple[float, str, float]] = []
    for task in tasks_at_dose_zero(assay):
        compared = stability_results.TaskResult.of(task, 0, assay.protocol, {task.items: at}).noninferior
        if isinstance(compared, RateComparison):
            room.append((compared.margin + compared.estimate, task.name, compared.estimate))
        elif isinstance(compared, ShareComparison):
            room.append((compared.share - compared.estimate, task.name, -compared.estimate))
    if not room:
        return "none was asked", 0.0, False
    least, name, change = min(room)
    return name, change, least >= 0
