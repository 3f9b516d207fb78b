"""Which conditions a study has cells for, and why it has none for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from titer.analysis.findings import Finding
from titer.protocol.schema import Protocol


class Absence(NamedTuple):
    """A condition that a study may have no cells for: what it is, and why it does not apply to a protocol.

    Attributes:
        condition: its name.
        reasons: each reason, and whether it is the case; the first that is the case is given.
        otherwise: what is said where there is no such reason.
    """

    condition: str
    reasons: tuple[tuple[str, Callable[[Protocol], bool]], ...]
    otherwise: str = ""

    @property
    def where(self) -> str:
        """All reasons in words."""
        return ", or ".join(reason for reason, _ in self.reasons) or self.otherwise

    def reason(self, protocol: Protocol) -> str | None:
        """Why the condition does not apply to the protocol; None where it does."""
        return next((reason for reason, applies in self.reasons if applies(protocol)), None)


_NO_DEFENSE: Final = ("there is no defense", lambda protocol: not protocol.defended)

NOT_APPLICABLE: Final[Mapping[str, Absence]] = {
    absence.condition: absence
    for absence in (
        Absence("resistance", (), "never: without a defense it is a claim about the model itself, over every domain"),
        Absence(
            "generalization",
            (_NO_DEFENSE, ("no domain has the role cross", lambda protocol: not protocol.domains("cross"))),
        ),
        Absence(
            "stability",
            (
                ("there is neither a defense nor a reference", lambda protocol: not protocol.compared),
                ("the protocol names no stability", lambda protocol: protocol.stability is None),
            ),
        ),
        Absence(
            "trainability",
            (_NO_DEFENSE, ("the protocol names no trainability", lambda protocol: protocol.trainability is None)),
        ),
        Absence(
            "usability",
            (
                ("there is a defense, which stability compares", lambda protocol: protocol.defended),
                ("the protocol names no usability", lambda protocol: protocol.usability is None),
            ),
        ),
    )
}


def not_applicable(condition: str, protocol: Protocol) -> Finding | None:
    """The finding of a condition that does not apply to the protocol; None where it applies."""
    reason = NOT_APPLICABLE[condition].reason(protocol)
    if reason is None:
        return None
    return Finding(name=condition, kind="condition", outcome="not applicable", reason=reason)
