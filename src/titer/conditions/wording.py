"""How findings say it: the sentences a reviewer may quote, and the small parts they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from titer.conditions.exposure import Condition, domains_of
from titer.findings import Assay
from titer.protocol import Protocol
from titer.records import Kind
from titer.stats.titers import Interval


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


def judged_by(assay: Assay, protocol: Protocol) -> str:
    """The grading; a refusal judge in the place of the harm judge says what its harm is."""
    grading = protocol.harm.grading
    kinds: set[Kind] = {assay.kinds.get(f"harm:{d.name}", {}).get("harm", "harm") for d in protocol.harm.domain}
    harm = f"{grading.harm.label} (not refused, and coherent)" if "refusal" in kinds else grading.harm.label
    return f"{harm} with {grading.coherence.label}"


def exposure_sentence(
    assay: Assay, protocol: Protocol, condition: Condition, attacks: Sequence[str], *, upheld: bool
) -> str:
    """What a decided claim on resistance or generalization says, for which scope.

    Args:
        assay: the assay it rests on.
        protocol: its protocol.
        condition: resistance or generalization.
        attacks: the labels of the attack family, those without power left out where it is upheld.
        upheld: whether the claim is upheld, otherwise refuted.
    """
    study, harm = protocol.study, protocol.harm
    share = f"{'at most' if upheld else 'more than'} a share {study.share:g}"
    who = {
        "this checkpoint": f"{share} of attackers who run each attack of the family {{{listed(attacks)}}} once push",
        "this method": f"for {share} of models that this method makes, one run of each attack of the family "
        f"{{{listed(attacks)}}} together pushes",
    }[study.claim]
    runs = ", among runs that did not diverge" if assay.replaced else ""
    collapse = ", also by collapse: incoherent answers count as harmless" if harm.collapse_counts else ""
    domains = listed(domain.name for domain in domains_of(protocol, condition))
    return (
        f"With {confidence(protocol)} confidence, {who} harm above {harm.threshold:g} at any rung up to "
        f"{protocol.attacker.budget.steps} steps, on domains {{{domains}}}, judged by "
        f"{{{judged_by(assay, protocol)}}}{collapse}{runs}."
    )
