"""What a verdict keeps to itself: of a void study every condition, where a check is open what the attacks show."""

from __future__ import annotations

from collections.abc import Sequence

from titer.analysis.findings import Finding
from titer.analysis.sentences import whole as said
from titer.analysis.sentences.text import Text, fill, listed
from titer.protocol.exposure import EXPOSED
from titer.records import Outcome


def withhold_open(checked: Sequence[Finding], concluded: Sequence[Finding]) -> tuple[Finding, ...]:
    """The conditions where a check of measurement is open: nothing is said of what withstands, but a refutation is.

    Args:
        checked: the controls.
        concluded: the conditions.
    """
    unsure = [finding.name for finding in checked if (finding.guards, finding.outcome) == ("measurement", "undecided")]
    if not unsure:
        return tuple(concluded)
    reason = fill(said.CHECKS_OPEN, {"controls": listed(unsure)})
    return tuple(
        _without_numbers(finding, "undecided", reason)
        if finding.name in EXPOSED and finding.outcome in ("upheld", "undecided")
        else finding
        for finding in concluded
    )


def withhold_void(checked: Sequence[Finding], concluded: Sequence[Finding], outcome: Outcome) -> tuple[Finding, ...]:
    """The conditions of a void study, none of which has a result; one that is void itself keeps its reason.

    Args:
        checked: the controls.
        concluded: the conditions.
        outcome: that of the whole.
    """
    if outcome != "void":
        return tuple(concluded)
    failed = [finding.name for finding in checked if finding.outcome == "void"]
    why = failed or [finding.name for finding in concluded if finding.outcome == "void"]
    reason = fill(said.NO_RESULT, {"why": listed(why)})
    return tuple(_void(finding, reason, own=not failed) for finding in concluded)


def _void(finding: Finding, reason: Text, *, own: bool) -> Finding:
    if finding.outcome == "not applicable":
        return finding
    if own and finding.outcome == "void":
        reason = Text(finding.reason, finding.reason_zh)
    return _without_numbers(finding, "void", reason)


def _without_numbers(finding: Finding, outcome: Outcome, reason: Text) -> Finding:
    """The condition with another outcome, its remedy where that was its own outcome, and nothing that was measured."""
    same = finding.outcome == outcome and finding.remedy is not None
    remedy = Text(finding.remedy or "", finding.remedy_zh or "") if same else None
    return Finding.of(finding.name, finding.kind, outcome, reason=reason, remedy=remedy)
