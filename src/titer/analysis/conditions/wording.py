"""How findings say it: the sentences of a claim on exposure, and the small parts findings are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from titer.analysis.conditions import sentence_templates
from titer.analysis.conditions.sentence_templates import Text, same
from titer.analysis.findings import Assay
from titer.data.identifiers import ProbeId
from titer.protocol.exposure import Condition, domains_of
from titer.protocol.schema import Protocol
from titer.records import Kind, Outcome
from titer.stats.interval_censoring import Interval


def confidence(protocol: Protocol) -> str:
    """The confidence of the study in percent."""
    return f"{100 * protocol.study.confidence:g} %"


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
    template = sentence_templates.JUDGES_BY_REFUSAL if "refusal" in kinds else sentence_templates.JUDGES
    return sentence_templates.fill(
        template, {"harm": same(grading.harm.label), "coherence": same(grading.coherence.label)}
    )


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
    template = sentence_templates.EXPOSURE[study.claim].get(outcome)
    if template is None:
        return None
    return sentence_templates.fill(
        template,
        {
            "confidence": same(confidence(protocol)),
            "share": same(f"{study.share:g}"),
            "attacks": sentence_templates.listed(tuple(attacks)),
            "threshold": same(f"{harm.threshold:g}"),
            "budget": budgets_said(protocol),
            "domains": sentence_templates.listed(tuple(domain.name for domain in domains_of(protocol, condition))),
            "judges": judged_by(assay),
            "collapse": sentence_templates.BY_COLLAPSE if harm.collapse_counts else sentence_templates.NOTHING,
            "runs": sentence_templates.RUNS_NOT_DIVERGED if diverged else sentence_templates.NOTHING,
        },
    )
