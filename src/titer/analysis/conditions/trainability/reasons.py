"""Why trainability is decided as it is, what to do about it, and what may be quoted."""

from __future__ import annotations

from titer.analysis.conditions.trainability.evidence import TrainingEvidence
from titer.analysis.findings import Assay
from titer.analysis.sentences import trainability as said
from titer.analysis.sentences import whole
from titer.analysis.sentences.text import NOTHING, Text, fill, listed, same, sentences, share_of
from titer.analysis.wording import confidence
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.stats import replicates
from titer.stats.replicates import Levels


def reason(assay: Assay, found: TrainingEvidence) -> Text:
    """Why it is decided so."""
    tally, plan, levels = found.tally, found.plan, found.levels
    margin, seeds = same(f"{100 * plan.margin:g}"), same(levels.replicates)
    states = {
        "holds": same(tally.holds),
        "fails": same(tally.fails),
        "open": same(tally.open),
        "seeds": seeds,
        "tasks": listed(plan.tasks),
        "slack": same(f"{1 + plan.epsilon:g}"),
        "margin": margin,
    }
    untaught = [gain.task for gain in found.gains if not gain.taught]
    unguarded = [gain.task for gain in found.gains if gain.guard is not None and not gain.guarded]
    gain = {"gain": same(f"{200 * plan.margin:g}"), "tasks": listed(untaught)}
    diverged = {"seeds": seeds, "reasons": listed(found.seeds.reasons)}
    return sentences(
        (
            _no_decision(assay.protocol, levels),
            fill(said.EXHAUSTED, diverged) if found.seeds.exhausted else NOTHING,
            fill(said.STATES, states),
            fill(said.UNUSABLE, {"count": same(found.unusable)}) if found.unusable else NOTHING,
            fill(said.UNTAUGHT, gain) if untaught else NOTHING,
            fill(said.AT_EDGE, {"places": listed(found.at_edge)}) if found.at_edge else NOTHING,
            fill(said.UNGUARDED, {"margin": margin, "tasks": listed(unguarded)}) if unguarded else NOTHING,
        )
    )


def _no_decision(protocol: Protocol, levels: Levels) -> Text:
    if levels.decidable:
        return NOTHING
    needed = replicates.minimum_replicates(levels.share, levels.alpha)
    if protocol.study.descriptive and levels.replicates >= needed:
        return whole.DESCRIPTIVE
    return fill(said.TOO_FEW, {"seeds": same(levels.replicates), "needed": same(needed)})


def remedy(outcome: Outcome) -> Text | None:
    """What to do where it is void or undecided."""
    if outcome == "void":
        return said.REMEDY_VOID
    return said.REMEDY_OPEN if outcome == "undecided" else None


def quotable(assay: Assay, found: TrainingEvidence, outcome: Outcome) -> Text | None:
    """What may be quoted of a decided claim; None of another.

    Args:
        assay: the assay.
        found: what the claim rests on.
        outcome: what is decided.
    """
    protocol, plan = assay.protocol, found.plan
    template = said.QUOTABLE.get(outcome)
    if template is None:
        return None
    one_rate = fill(said.ONE_RATE, {"rate": same(f"{plan.rates[0]:g}")})
    return fill(
        template,
        {
            "confidence": confidence(protocol),
            "slack": same(f"{1 + plan.epsilon:g}"),
            "share": share_of(protocol.study.share),
            "runs": said.TRAININGS_NOT_DIVERGED if found.seeds.replaced else NOTHING,
            "margin": same(f"{100 * plan.margin:g}"),
            "tasks": listed(plan.tasks),
            "rates": said.BEST_RATES if len(plan.rates) > 1 else one_rate,
        },
    )
