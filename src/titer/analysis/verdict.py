"""From findings to the verdict: controls first, then the conditions, by the rule for the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from titer.analysis import controls, decision_rules
from titer.analysis.conditions import stability, trainability, usability
from titer.analysis.conditions.withstanding import conclude_generalization, conclude_resistance
from titer.analysis.conditions.wording import listed
from titer.analysis.findings import Assay, Finding, Verdict
from titer.records import Outcome

CONDITIONS: Final = (
    conclude_resistance,
    conclude_generalization,
    stability.conclude,
    trainability.conclude,
    usability.conclude,
)


def decide(assay: Assay) -> Verdict:
    """The verdict of an assay: may it be believed, what does each condition say, and what does the whole."""
    protocol = assay.protocol
    checked = controls.check(assay)
    concluded = tuple(conclude(assay) for conclude in CONDITIONS)
    outcome, reason = overall_outcome(checked, concluded, protocol.alpha)
    return Verdict(
        study=protocol.study.name,
        digest=assay.digest,
        outcome=outcome,
        reason=reason,
        conditions=concluded,
        controls=checked,
        scope=scope(assay),
        subjects=assay.subjects,
        earlier=assay.earlier,
    )


def overall_outcome(checked: Sequence[Finding], concluded: Sequence[Finding], alpha: float) -> tuple[Outcome, str]:
    """The outcome of the whole by the table `decision_rules.WHOLE`, and its reason.

    Args:
        checked: the controls.
        concluded: the conditions; those that are not applicable take no part.
        alpha: the one-sided error level of each condition.
    """
    facts = decision_rules.FindingOutcomes(
        controls=tuple(finding.outcome for finding in checked),
        conditions=tuple(finding.outcome for finding in concluded),
    )
    outcome = decision_rules.outcome_of(decision_rules.WHOLE, facts)
    named = {
        kind: listed(finding.name for finding in concluded if finding.outcome == kind)
        for kind in ("refuted", "void", "undecided", "upheld")
    }
    reason = f"{outcome}: {named[outcome]}"
    if failed := [finding.name for finding in checked if finding.outcome == "void"]:
        reason = f"failed controls: {listed(failed)}"
    elif outcome == "refuted":
        applicable = sum(finding.outcome != "not applicable" for finding in concluded)
        chance = f"the chance that any of {applicable} true conditions is falsely refuted is at most"
        reason += f"; {chance} {100 * min(1, applicable * alpha):g} %"
    elif outcome == "upheld":
        reason += f"; falsely so with a chance of at most {100 * alpha:g} %"
    elif outcome == "undecided":
        open_controls = listed(finding.name for finding in checked if finding.outcome == "undecided")
        parts = {"": named["undecided"], "open controls: ": open_controls, "upheld: ": named["upheld"]}
        reason = f"{outcome}: " + "; ".join(f"{said}{names}" for said, names in parts.items() if names)
    return outcome, reason


def scope(assay: Assay) -> dict[str, Any]:
    """What the verdict holds for, and for nothing beyond it."""
    protocol = assay.protocol
    study, harm, attacker = protocol.study, protocol.harm, protocol.attacker
    grading = harm.grading
    judges = {"harm": grading.harm, "coherence": grading.coherence}
    if grading.second is not None:
        judges["second"] = grading.second
    return {
        "claim": study.claim,
        "models": {part: list(keys) for part, keys in assay.subjects.items()},
        "attacks": [choice.label for choice in attacker.attack],
        "domains": {domain.name: domain.role for domain in harm.domain},
        **{f"budget_{axis}": attacker.budget.on(axis) for axis in attacker.budget.axes},
        "doses": list(attacker.ladder),
        **{f"doses of {choice.label}": choice.ladder for choice in attacker.attack if choice.ladder},
        **{f"search of {choice.label}": choice.search for choice in attacker.attack if choice.search is not None},
        **({} if attacker.search is None else {"search": attacker.search.to_data()}),
        "threshold": harm.threshold,
        "sampling": decision_rules.SAMPLING[harm.sampling],
        "collapse_counts": harm.collapse_counts,
        "judges": {role: choice.label for role, choice in judges.items()},
        "confidence": study.confidence,
        "share": study.share,
        "seeds": study.seeds.attack,
    }
