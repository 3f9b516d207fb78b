"""What would have decided: the plan that does at the harm rates that an undecided study has seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from titer.analysis.conditions.harm_decisions import Replicate
from titer.analysis.sentences import remedies as said
from titer.analysis.sentences.text import NOTHING, Text, fill, percent, same
from titer.protocol.schema import Protocol
from titer.stats.binomial import Counts
from titer.stats.cheapest_plan import ITEMS, CheapestPlan, Decisive, StudyGoal, cheapest_plan, items_could_decide
from titer.stats.rate_law import SEED_SD, RateLaw
from titer.stats.replicates import Items, Levels

THRESHOLDS: Final = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
"""Those that are tried where no plan decides at the study's own, if they are above it."""
WIDEST: Final = 1.5
"""The largest spread over seeds that is reckoned with, in logits: a few seeds that are told apart say no more."""
FARTHEST: Final = 1.5
"""How many times its own threshold is still an answer to what a study asked."""


def remedy(protocol: Protocol, levels: Levels, found: Sequence[Replicate]) -> Text | None:
    """The plan that decides a condition on exposure at the rates it has seen, or that no number of prompts does.

    Args:
        protocol: the protocol.
        levels: the levels of the condition.
        found: its replicates of M*, undecided together.

    Returns:
        The sentence; None where nothing was read.
    """
    goal = StudyGoal(
        threshold=protocol.harm.threshold,
        share=levels.share,
        alpha=levels.alpha,
        decisions=levels.decisions,
        doses=levels.decisions,
    )
    collapse_counts = protocol.harm.collapse_counts
    worst = [_worst(replicate, collapse_counts=collapse_counts) for replicate in found]
    seen = [counts for counts in worst if counts is not None]
    return remedy_at(goal, levels.items, seen, collapse_counts=collapse_counts) if seen else None


def remedy_at(goal: StudyGoal, kind: Items, seen: Sequence[Counts], *, collapse_counts: bool = False) -> Text:
    """The same, by the counts of the dose that decided each replicate.

    Args:
        goal: what the condition asks of a study, at the study's own threshold.
        kind: whether the study's seeds share their items; where no such plan decides, each seed is given its own.
        seen: the counts, one or more.
        collapse_counts: incoherent answers count as harmless.
    """
    items = [counts.items for counts in seen]
    most = seen_law([counts.high(collapse_counts=collapse_counts) for counts in seen], items)
    least = seen_law([counts.low for counts in seen], items)
    wide = fill(said.SPREAD, {"spread": same(f"{most.seed_sd:.1f}")}) if most.seed_sd > SEED_SD else NOTHING
    truth = _truth(goal, least, most)
    harmful = sum(counts.low for counts in seen) / sum(items)
    rates = {"least": percent(float(f"{harmful:.2g}")), "rate": percent(float(f"{most.rate:.2g}"))}
    at = fill(said.SEEN_BETWEEN if truth is None else said.SEEN, rates | {"spread": wide})
    own = None if truth is None else _plan(goal, truth, kind)
    if truth is not None and own is not None:
        return _joined(at, _decides(goal, truth, own), said.AFRESH)
    possible = truth is not None and items_could_decide(goal, truth.law, truth.outcome)
    nearest, farthest = max(goal.threshold, most.rate), FARTHEST * goal.threshold + 1e-9
    for threshold in (one for one in THRESHOLDS if nearest < one <= farthest):
        other, upheld = replace(goal, threshold=threshold), _Truth("upheld", most)
        plan = _plan(other, upheld, kind)
        if plan is not None:
            failed = _why_not(goal, said.TOO_MANY if possible else said.NONE_DOES)
            return _joined(at, _decides(other, upheld, plan), said.SEMICOLON, failed, said.AFRESH)
    end = said.READ if truth is None else said.STOP
    return _joined(at, _why_not(goal, said.TOO_MANY if possible else said.NO_NUMBER), end)


def seen_law(harmful: Sequence[int], items: Sequence[int]) -> RateLaw:
    """The law of harm that counts of replicates suggest: their pooled rate, and the spread that items do not explain.

    Half a harmful item and one item are added to the pool, so that the rate is never 0. The spread is that of the
    logits of (k + 1/2)/(n + 1), less the mean of 1/(k + 1/2) + 1/(n - k + 1/2), at least the one that is assumed before
    a run and at most `WIDEST`. Both are rounded as they are said.

    Args:
        harmful: harmful items of each replicate at the dose that decided it (k).
        items: its items there (n).

    >>> round(seen_law([12, 14, 13, 11, 15], [120] * 5).rate, 3)
    0.11
    """
    k, n = np.asarray(harmful) + 0.5, np.asarray(items) + 1.0
    spread = float(np.var(np.log(k / (n - k)), ddof=1)) if len(k) > 1 else 0.0
    spread -= float(np.mean(1 / k + 1 / (n - k)))
    rate = (sum(harmful) + 0.5) / (sum(items) + 1)
    return RateLaw(
        rate=min(0.99, float(f"{rate:.2g}")), seed_sd=round(min(WIDEST, math.sqrt(max(spread, SEED_SD**2))), 1)
    )


def _worst(replicate: Replicate, *, collapse_counts: bool) -> Counts | None:
    """The counts of the most harmful of the doses that decide the curves of a replicate; None where none was read."""
    decisive = [curve.counts[curve.decisive] for curve in replicate.curves]
    read = [counts for counts in decisive if counts is not None]
    return max(read, key=lambda one: one.high(collapse_counts=collapse_counts) / one.items, default=None)


class _Truth(NamedTuple):
    """The right outcome at a threshold, and the law by which a study shows it."""

    outcome: Decisive
    law: RateLaw


def _truth(goal: StudyGoal, least: RateLaw, most: RateLaw) -> _Truth | None:
    """Upheld by the most items that can be harmful, refuted by the fewest; None where the threshold lies between."""
    if most.rate <= goal.threshold:
        return _Truth("upheld", most)
    return _Truth("refuted", least) if least.rate > goal.threshold else None


def _plan(goal: StudyGoal, truth: _Truth, kind: Items) -> CheapestPlan | None:
    """The cheapest plan of this kind, or else with own items; None where no number of items would do."""
    if not items_could_decide(goal, truth.law, truth.outcome):
        return None
    return cheapest_plan(goal, truth.law, truth.outcome, kind) or cheapest_plan(goal, truth.law, truth.outcome, "own")


def _decides(goal: StudyGoal, truth: _Truth, plan: CheapestPlan) -> Text:
    size = plan.size
    return fill(
        said.DECIDES,
        {
            "items": same(size.items),
            "own": said.OWN if size.kind == "own" else NOTHING,
            "seeds": same(size.replicates),
            "analyses": said.ANALYSES[size.analyses],
            "threshold": percent(goal.threshold),
            "power": percent(round(plan.power, 2)),
            "outcome": said.OUTCOMES[truth.outcome],
        },
    )


def _why_not(goal: StudyGoal, template: Text) -> Text:
    """That no number of prompts decides at the threshold, or only more than are tried."""
    return fill(
        template,
        {
            "threshold": percent(goal.threshold),
            "items": same(ITEMS[-1]),
            "seeds": same(max(goal.sizes)),
        },
    )


def _joined(*parts: Text) -> Text:
    return Text("".join(part.en for part in parts), "".join(part.zh for part in parts))
