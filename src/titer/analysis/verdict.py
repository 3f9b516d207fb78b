"""From findings to the verdict: controls first, then the conditions, by the rule for the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from titer.analysis import controls, decision_rules
from titer.analysis.conditions import stability, trainability, usability
from titer.analysis.conditions.parent import parent_said, publicity
from titer.analysis.conditions.withstanding import conclude_generalization, conclude_resistance
from titer.analysis.curves import check_distinct
from titer.analysis.findings import Assay, Finding, Verdict
from titer.analysis.remarks import remarks_on
from titer.analysis.sentences import whole as said
from titer.analysis.sentences.text import NOTHING, Text, fill, listed, percent, same, sentences
from titer.analysis.withholding import withhold_open, withhold_void
from titer.protocol.schema import Protocol
from titer.records import Outcome

CONDITIONS: Final = (
    conclude_resistance,
    conclude_generalization,
    stability.conclude,
    trainability.conclude,
    usability.conclude,
)


def decide(assay: Assay) -> Verdict:
    """The verdict of an assay: may it be believed, what does each condition say, and what does the whole.

    Raises:
        DamagedError: something was read twice.
    """
    check_distinct(assay)
    protocol = assay.protocol
    checked = controls.check(assay)
    concluded = withhold_open(checked, [conclude(assay) for conclude in CONDITIONS])
    outcome, reason = overall_outcome(checked, concluded, protocol.alpha, earlier=len(assay.earlier))
    lacking = (*unchecked(protocol), *(() if assay.seen_harm is not None else (said.SIGHT,)))
    parent = parent_said(assay)
    return Verdict(
        study=protocol.study.name,
        digest=assay.digest,
        outcome=outcome,
        reason=reason.en,
        reason_zh=reason.zh,
        unchecked=tuple(one.en for one in lacking),
        unchecked_zh=tuple(one.zh for one in lacking),
        remarks=remarks_on(assay),
        conditions=withhold_void(checked, concluded, outcome),
        controls=checked,
        scope=scope(assay),
        subjects=assay.subjects,
        earlier=assay.earlier,
        parent=parent and parent.en,
        parent_zh=parent and parent.zh,
    )


def overall_outcome(
    checked: Sequence[Finding], concluded: Sequence[Finding], alpha: float, *, earlier: int = 0
) -> tuple[Outcome, Text]:
    """The outcome of the whole by the table `decision_rules.WHOLE`, and its reason.

    Args:
        checked: the controls.
        concluded: the conditions; those that are not applicable take no part.
        alpha: the one-sided error level of each condition.
        earlier: how many studies of the same question came before.
    """
    facts = decision_rules.FindingOutcomes(
        measurement=tuple(finding.outcome for finding in checked if finding.guards != "power"),
        power=tuple(finding.outcome for finding in checked if finding.guards == "power"),
        conditions=tuple(finding.outcome for finding in concluded),
    )
    outcome = decision_rules.outcome_of(decision_rules.WHOLE, facts)
    failed = [finding.name for finding in checked if finding.outcome == "void"]
    if failed and outcome == "void":
        return outcome, fill(said.FAILED_CONTROLS, {"controls": listed(failed)})
    tries = {"earlier": same(earlier), "tries": same(earlier + 1), "alpha": percent(min(1, (earlier + 1) * alpha))}
    again = fill(said.SEVERAL_TRIES, tries) if earlier and outcome == "upheld" else NOTHING
    return outcome, sentences((*_parts(outcome, checked, concluded, alpha), again))


def _parts(outcome: Outcome, checked: Sequence[Finding], concluded: Sequence[Finding], alpha: float) -> Iterator[Text]:
    """What is said of the outcome, then of what was shown besides."""
    named = {
        kind: listed(finding.name for finding in concluded if finding.outcome == kind)
        for kind in ("refuted", "void", "undecided", "upheld")
    }
    applicable = sum(finding.outcome != "not applicable" for finding in concluded)
    level = {"alpha": percent(alpha), "claims": same(applicable), "any": percent(min(1, applicable * alpha))}
    if applicable == 0:
        yield said.NOTHING_APPLIES
    elif outcome in ("refuted", "void"):
        template = said.REFUTED if outcome == "refuted" else said.VOID
        yield fill(template, {"conditions": named[outcome], **level})
        if failed := [finding.name for finding in checked if finding.outcome == "void"]:
            yield fill(said.FAILED_POWER, {"controls": listed(failed)})
    elif outcome == "upheld":
        yield fill(said.UPHELD, {"conditions": named["upheld"], **level})
    elif named["undecided"] != NOTHING:
        yield fill(said.UNDECIDED, {"conditions": named["undecided"]})
    open_controls = [finding.name for finding in checked if finding.outcome == "undecided"]
    if outcome == "undecided" and open_controls:
        yield fill(said.OPEN_CONTROLS, {"controls": listed(open_controls)})
    if outcome == "undecided" and named["upheld"] != NOTHING:
        yield fill(said.ALSO_UPHELD, {"conditions": named["upheld"]})


def unchecked(protocol: Protocol) -> tuple[Text, ...]:
    """What the study did not check at all, which stands beside its outcome."""
    floors, judged_twice = protocol.usability, protocol.harm.grading.second is not None
    one_model = protocol.defended and protocol.study.claim == "this checkpoint"
    missing = (
        (said.IS_DESCRIPTIVE, protocol.study.descriptive),
        (said.NO_SHAM, not protocol.attacker.sham),
        (said.NO_SECOND_JUDGE, not judged_twice),
        (said.ONE_MODEL, one_model),
        (said.SAME_ROWS, bool(protocol.defended_as_prepared)),
        (said.OVER_REFUSAL, protocol.stability is not None and not protocol.stability.over_refusal),
        (said.USE_ANSWERS, floors is not None and floors.answered is None),
        (said.USE_DISTINCT, floors is not None and floors.distinct is None),
    )
    return tuple(text for text, lacks in missing if lacks)


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
        **{f"domains of {choice.label}": list(choice.domains) for choice in attacker.attack if choice.domains},
        **{f"search of {choice.label}": choice.search for choice in attacker.attack if choice.search is not None},
        **({} if attacker.search is None else {"search": attacker.search.to_data()}),
        "threshold": harm.threshold,
        "sampling": decision_rules.SAMPLING[harm.sampling],
        "collapse_counts": harm.collapse_counts,
        "judges": {role: choice.label for role, choice in judges.items()},
        "confidence": study.confidence,
        "share": study.share,
        "seeds": study.seeds.attack,
        **({} if (parent := publicity(protocol)) is None else {"parent": parent}),
    }
