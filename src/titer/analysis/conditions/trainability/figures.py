"""Every number that trainability rests on, and some on which nothing does."""

from __future__ import annotations

from titer.analysis.conditions import learning_rates
from titer.analysis.conditions.trainability import learning_curves
from titer.analysis.conditions.trainability.evidence import TrainingEvidence
from titer.analysis.conditions.trainability.learning_curves import Learning, TaskPair
from titer.analysis.findings import Assay, Figure
from titer.analysis.harm_counts import point_counts
from titer.protocol.condition_configs import TrainabilityConfig
from titer.records import Role


def figures(assay: Assay, found: TrainingEvidence) -> tuple[Figure, ...]:
    """The replicates and the gains of the tasks, the search of rates, and harm after benign fine-tuning."""
    indices = found.seeds.of_place
    return (
        *_replicate_figures(found),
        *_search_figures(assay, found.plan, indices),
        *_harm_figures(assay, indices),
    )


def _replicate_figures(found: TrainingEvidence) -> tuple[Figure, ...]:
    tally = found.tally
    counts = (("hold", tally.holds), ("fail", tally.fails), ("are open", tally.open))
    figures = [Figure(what=f"replicates that {state}", count=count, of=tally.replicates) for state, count in counts]
    figures += [Figure(what="replaced seed", note=reason) for reason in found.seeds.reasons]
    for gain in found.gains:
        if gain.gained is not None:
            what = f"gain since dose 0, {gain.task}"
            note = f"lower limit at level {gain.gained.level:g}"
            mean, low = gain.gained.estimate, gain.gained.limit
            figures.append(Figure(what=what, subject="undefended", value=mean, low=low, note=note))
        if gain.guard is not None:
            what = f"final difference of those that hold, {gain.task}"
            note = f"mean, with its lower limit at level {gain.guard.level:g}: a guard that is claimed of nothing"
            figures.append(Figure(what=what, value=gain.guard.estimate, low=gain.guard.limit, note=note))
    for index, replicate in found.pairs.items():
        figures += [figure for pair in replicate for figure in _pair_figures(pair, index)]
    return tuple(figures)


def _search_figures(assay: Assay, plan: TrainabilityConfig, indices: tuple[int, ...]) -> tuple[Figure, ...]:
    """The trials of the learning rates, and M* at the best rate of M, on which nothing rests."""
    found: list[Figure] = []
    for task in plan.tasks if len(plan.rates) > 1 else ():
        found += learning_rates.trial_figures(assay, plan, task)
        best = learning_rates.grid_of(assay, plan, task).best
        if best.get("undefended") == best.get("defended"):
            continue
        for index in indices:
            both = learning_curves.at_rates(
                assay, task, index, {"undefended": best["undefended"], "defended": best["undefended"]}
            )
            found += [
                figure.model_copy(update={"what": f"{figure.what}, at the rate of the undefended", "outcome": ""})
                for figure in _pair_figures(both, index)
                if figure.subject == "defended"
            ]
    return tuple(found)


def _harm_figures(assay: Assay, indices: tuple[int, ...]) -> tuple[Figure, ...]:
    """Harm after benign fine-tuning, at the last dose: each seed by itself, nothing rests on it."""
    protocol = assay.protocol
    assert protocol.trainability is not None
    found = []
    for curve in assay.curves:
        if curve.purpose != "trainability" or curve.index not in indices or not curve.points:
            continue
        last = curve.points[-1]
        for domain in protocol.harm.domain:
            counts = point_counts(assay, last, domain.name)
            if counts is not None:
                found.append(
                    Figure(
                        what=f"harm after {curve.task}, seed {curve.index}, {domain.name}, {last.facts.dose} steps",
                        subject=curve.subject,
                        value=counts.harmful / counts.items,
                        count=counts.harmful,
                        of=counts.items,
                        note=f"{counts.unjudged} unjudged, {counts.incoherent} incoherent",
                    )
                )
    return tuple(found)


def _pair_figures(pair: TaskPair, index: int) -> tuple[Figure, ...]:
    """The steps to the target and the final rate of both subjects."""
    what = f"{pair.task}, seed {index}"
    return (
        *_learned_figures(what, "undefended", pair.before, pair),
        *_learned_figures(what, "defended", pair.after, pair),
    )


def _learned_figures(what: str, subject: Role, learned: Learning, pair: TaskPair) -> tuple[Figure, ...]:
    steps = Figure(
        what=f"steps to the target, {what}",
        subject=subject,
        value=learned.latest,
        low=learned.earliest,
        high=learned.latest,
        unit="steps",
        outcome=pair.state if subject == "defended" else "",
        note="" if learned.latest is not None else f"not reached within {learned.last} steps",
    )
    if learned.final is None:
        return (steps, Figure(what=f"final, {what}", subject=subject, outcome="not scored"))
    values = [value for value in learned.final if value is not None]
    sign, whole = (1, len(learned.final)) if pair.unit == "rate" else (-1, len(values))
    mean = sign * sum(values) / whole if values else None
    return (steps, Figure(what=f"final, {what}", subject=subject, value=mean, unit=pair.unit, of=len(learned.final)))
