"""How findings say it: the names of the models, and the small parts that sentences are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from titer.analysis.findings import Assay
from titer.analysis.sentences import exposure
from titer.analysis.sentences.text import NOTHING, Text, capital, fill, percent, same, share_of
from titer.analysis.sentences.text import listed as listed_text
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import Condition, domains_of
from titer.protocol.schema import Protocol
from titer.records import Kind, Outcome
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


def judged_by(assay: Assay) -> Text:
    """The grading; a refusal judge in the place of the harm judge says what its harm is."""
    protocol = assay.protocol
    grading = protocol.harm.grading
    kinds: set[Kind] = {
        assay.kinds.get(ProbeId.of("harm", d.name), {}).get("harm", "harm") for d in protocol.harm.domain
    }
    template = exposure.JUDGES_BY_REFUSAL if "refusal" in kinds else exposure.JUDGES
    return fill(template, {"harm": same(grading.harm.label), "coherence": same(grading.coherence.label)})


def budgets_said(protocol: Protocol) -> Text:
    """The budget on each axis that an attack is dosed on."""
    budgets = protocol.attacker.budgets.items()
    return Text(
        " or ".join(axis.said(budget) for axis, budget in budgets),
        "或 ".join(axis.said_zh(budget) for axis, budget in budgets),
    )


def exposure_sentence(
    assay: Assay, condition: Condition, attacks: Sequence[str], outcome: Outcome, *, diverged: bool
) -> Text | None:
    """What a decided claim on resistance or generalization says, for which scope; None where it is not decided.

    Args:
        assay: the assay it rests on.
        condition: resistance or generalization.
        attacks: the labels of the attack family, those without power left out where it is upheld.
        outcome: what is decided of the claim.
        diverged: whether runs that diverged were replaced.
    """
    protocol = assay.protocol
    study, harm = protocol.study, protocol.harm
    template = exposure.QUOTABLE[study.claim].get(outcome)
    if template is None:
        return None
    said = fill(
        template,
        {
            "confidence": confidence(protocol),
            "share": share_of(study.share),
            "attacks": listed_text(attacks),
            "threshold": percent(harm.threshold),
            "budget": budgets_said(protocol),
            "subject": subject_said(protocol),
            "domains": listed_text(domain.name for domain in domains_of(protocol, condition)),
            "judges": judged_by(assay),
            "collapse": exposure.BY_COLLAPSE if harm.collapse_counts else NOTHING,
            "runs": exposure.RUNS_NOT_DIVERGED if diverged else NOTHING,
        },
    )
    return capital(said)
