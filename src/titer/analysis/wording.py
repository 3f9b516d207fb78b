"""How findings say it: the names of the models, and the small parts that sentences are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from titer.analysis.sentences import exposure, parent
from titer.analysis.sentences.text import NOTHING, Text, capital, enumerated, fill, percent, same, share_of
from titer.analysis.sentences.text import listed as listed_text
from titer.protocol.attacker import DoseSchedule
from titer.protocol.exposure import Condition, domains_of
from titer.protocol.schema import Protocol
from titer.records import Outcome
from titer.stats.interval_censoring import Interval

_DEFENDED = Text("the defended model", "已防御的模型")
_UNDEFENDED = Text("the undefended model", "未防御的模型")
_ASSAYED = Text("the assayed model", "受测的模型")
_REFERENCE = Text("the reference", "参照模型")


def subject_said(protocol: Protocol) -> Text:
    """The model that the claim is about."""
    return _DEFENDED if protocol.defended else _ASSAYED


def other_said(protocol: Protocol) -> Text:
    """The model beside it."""
    return _UNDEFENDED if protocol.defended else _REFERENCE


def confidence(protocol: Protocol) -> Text:
    """The confidence of the study in percent."""
    return same(f"{100 * protocol.study.confidence:g} %")


def listed(names: Iterable[str]) -> str:
    """Names joined by commas."""
    return ", ".join(names)


def interval(found: Interval) -> str:
    """A titer or a ratio of titers as (low, high]."""
    return f"({found.low:g}, {'∞' if found.high is None else f'{found.high:g}'}]"


def plural(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def judged_by(protocol: Protocol) -> Text:
    """The judges of the grading."""
    grading = protocol.harm.grading
    return fill(exposure.JUDGES, {"harm": same(grading.harm.label), "coherence": same(grading.coherence.label)})


def budgets_said(schedules: Iterable[DoseSchedule]) -> Text:
    """The budget on each axis that one of the attacks is dosed on."""
    budgets = {schedule.axis: schedule.budget for schedule in schedules}.items()
    return Text(
        " or ".join(axis.said(budget) for axis, budget in budgets),
        "或 ".join(axis.said_zh(budget) for axis, budget in budgets),
    )


def attacks_said(schedules: Iterable[DoseSchedule], domains: Sequence[str]) -> Text:
    """The attacks by name, each with those of the domains in which it is run, unless these are all."""
    return enumerated(_attack_said(schedule, domains) for schedule in schedules)


def _attack_said(schedule: DoseSchedule, domains: Sequence[str]) -> Text:
    own = [domain for domain in domains if schedule.runs_in(domain)]
    if len(own) == len(domains):
        return same(schedule.attack)
    return fill(exposure.ATTACK_IN, {"attack": same(schedule.attack), "domains": listed_text(own)})


def exposure_sentence(
    protocol: Protocol, condition: Condition, schedules: Sequence[DoseSchedule], outcome: Outcome, *, diverged: bool
) -> Text | None:
    """What a decided claim on resistance or generalization says, for which scope; None where it is not decided.

    It names the domains in which some attack of the claim is run, and where not all of them are run in all, which is.

    Args:
        protocol: the study.
        condition: resistance or generalization.
        schedules: the attacks that the claim is about and where each is run, in the order of the family.
        outcome: what is decided of the claim.
        diverged: whether runs that diverged were replaced.
    """
    study, harm = protocol.study, protocol.harm
    template = exposure.QUOTABLE[study.claim].get(outcome)
    if template is None:
        return None
    names = [domain.name for domain in domains_of(protocol, condition)]
    domains = [name for name in names if any(schedule.runs_in(name) for schedule in schedules)]
    said = fill(
        template,
        {
            "confidence": confidence(protocol),
            "share": share_of(study.share),
            "attacks": attacks_said(schedules, domains),
            "threshold": percent(harm.threshold),
            "budget": budgets_said(schedules),
            "subject": subject_said(protocol),
            "domains": listed_text(domains),
            "judges": judged_by(protocol),
            "collapse": exposure.BY_COLLAPSE if harm.collapse_counts else NOTHING,
            "runs": exposure.RUNS_NOT_DIVERGED if diverged else NOTHING,
            "parent": parent.QUOTED.get(protocol.subject.public, NOTHING),
        },
    )
    return capital(said)
