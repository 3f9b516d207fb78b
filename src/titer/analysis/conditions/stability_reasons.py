"""Why stability is decided as it is, and what to do about it, in words."""

from __future__ import annotations

from titer.analysis.conditions.paired_scores import Column
from titer.analysis.conditions.stability_results import SubjectResults, TaskResult
from titer.analysis.sentences import stability as said
from titer.analysis.sentences import whole
from titer.analysis.sentences.text import (
    NOTHING,
    Text,
    capital,
    clauses,
    fill,
    listed,
    percent,
    same,
    sentences,
    share_of,
)
from titer.analysis.wording import confidence, other_said, subject_said
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.stats.noninferiority import RateComparison, ShareComparison
from titer.stats.replicates import Levels


def reason(protocol: Protocol, subjects: tuple[SubjectResults, ...], levels: Levels | None) -> Text:
    """Every task that is not within the margin with its figures, then those that are; of a method its models."""
    counted = [result for subject in subjects for result in subject.tasks if not result.task.descriptive]
    descriptive = whole.DESCRIPTIVE if protocol.study.descriptive else NOTHING
    if levels is None:
        doubtful = clauses(_task_said(protocol, result) for result in counted if result.outcome != "upheld")
        within = listed(result.task.name for result in counted if result.outcome == "upheld")
        return sentences(
            (
                descriptive,
                Text(f"{doubtful.en}.", f"{doubtful.zh}。") if doubtful != NOTHING else NOTHING,
                fill(said.ALL_WITHIN, {"tasks": within}) if within != NOTHING else NOTHING,
            )
        )
    states = [subject.state for subject in subjects]
    counts = {"made": len(states), **{state: states.count(state) for state in ("holds", "fails", "open")}}
    worse = listed(dict.fromkeys(r.task.name for r in counted if r.outcome == "refuted"))
    unable = {"other": other_said(protocol), "tasks": listed(dict.fromkeys(r.task.name for r in counted if r.void))}
    return sentences(
        (
            descriptive,
            fill(said.OF_METHOD, {name: same(count) for name, count in counts.items()}),
            fill(said.WORSE_ON, {"tasks": worse}) if worse != NOTHING else NOTHING,
            capital(fill(said.UNABLE_ON, unable)) if unable["tasks"] != NOTHING else NOTHING,
        )
    )


def _task_said(protocol: Protocol, result: TaskResult) -> Text:
    """One task with its figures and what they show."""
    name, low, high = same(result.task.name), result.noninferior, result.inferior
    judgement = fill(said.JUDGEMENTS[result.outcome], {"other": other_said(protocol)})
    if isinstance(low, RateComparison) and isinstance(high, RateComparison):
        after, before = (_right(side[result.seed]) for side in (result.task.after, result.task.before))
        fields = {
            "after": same(after),
            "before": same(before),
            "items": same(low.changes.items),
            "change": _points(low.estimate),
            "margin": same(f"{100 * low.margin:g}"),
            "low": _points(low.limit),
            "high": _points(high.limit),
        }
        return fill(said.TASK_RATE, {"task": name, "judgement": judgement, **fields})
    if isinstance(low, ShareComparison) and isinstance(high, ShareComparison):
        fields = {
            "margin": same(f"{low.margin:g}"),
            "worse": same(low.worse),
            "items": same(low.items),
            "share": percent(low.share),
            "low": percent(high.limit),
            "high": percent(low.limit),
        }
        return fill(said.TASK_LOSS, {"task": name, "judgement": judgement, **fields})
    return fill(said.TASK_NOT_ASKED, {"task": name})


def _right(column: Column) -> int:
    return sum(value is not None and value >= 0.5 for value in column)


def _points(share: float) -> Text:
    return same(f"{100 * share:+.1f}")


def remedy(protocol: Protocol, outcome: Outcome) -> Text | None:
    """What to do where it is void or undecided."""
    if outcome == "void":
        return fill(said.REMEDY_VOID, {"other": other_said(protocol)})
    return said.REMEDY_OPEN if outcome == "undecided" and not protocol.study.descriptive else None


def quotable(protocol: Protocol, subjects: tuple[SubjectResults, ...], outcome: Outcome) -> Text | None:
    """What a decided outcome says: of every task where it is upheld, of those shown worse where it is refuted."""
    plan = protocol.stability
    assert plan is not None
    of_method = protocol.study.claim == "this method"
    results = [result for subject in subjects for result in subject.tasks if not result.task.descriptive]
    template = (said.QUOTABLE_OF_METHOD if of_method else said.QUOTABLE).get(outcome)
    if template is None:
        return None
    margin = {"margin": same(f"{100 * plan.margin:g}"), "nats": same(f"{plan.margin:g}"), "share": percent(plan.share)}
    losses = any(result.task.unit == "nats per token" for result in results)
    named = dict.fromkeys(r.task.name for r in results if of_method or r.outcome == outcome)
    fields = {
        "subject": subject_said(protocol),
        "other": other_said(protocol),
        "confidence": confidence(protocol),
        "margin": fill(said.MARGIN_WITH_LOSSES if losses else said.MARGIN, margin),
        "share": share_of(protocol.study.share),
        "tasks": listed(named),
    }
    return capital(fill(template, fields))
