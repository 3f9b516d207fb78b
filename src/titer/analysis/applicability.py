"""Which conditions a study has cells for, and why it has none for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from titer.analysis.findings import Finding
from titer.analysis.sentences import absence
from titer.analysis.sentences.text import Text
from titer.protocol.schema import Protocol

Reason = tuple[Text, Callable[[Protocol], bool]]
"""A reason for which a condition does not apply, and whether it is the case."""


class Absence(NamedTuple):
    """A condition that a study may have no cells for: what it is, and why it does not apply to a protocol.

    Attributes:
        condition: its name.
        reasons: each reason, and whether it is the case; the first that is the case is given.
        otherwise: what is said where there is no such reason.
    """

    condition: str
    reasons: tuple[Reason, ...]
    otherwise: str = ""

    @property
    def where(self) -> str:
        """All reasons in words."""
        return ", or ".join(reason.en for reason, _ in self.reasons) or self.otherwise

    def reason(self, protocol: Protocol) -> Text | None:
        """Why the condition does not apply to the protocol; None where it does."""
        return next((reason for reason, applies in self.reasons if applies(protocol)), None)


_NO_DEFENSE: Final[Reason] = (absence.NO_DEFENSE, lambda protocol: not protocol.defended)
_ABSENCES: Final = (
    Absence("resistance", (), "never: without a defense it is a claim about the model itself, over every domain"),
    Absence("generalization", (_NO_DEFENSE, (absence.NO_CROSS, lambda protocol: not protocol.domains("cross")))),
    Absence(
        "stability",
        (
            (absence.NO_OTHER, lambda protocol: not protocol.compared),
            (absence.NO_STABILITY, lambda protocol: protocol.stability is None),
        ),
    ),
    Absence("trainability", (_NO_DEFENSE, (absence.NO_TRAINABILITY, lambda protocol: protocol.trainability is None))),
    Absence(
        "usability",
        (
            (absence.DEFENDED, lambda protocol: protocol.defended),
            (absence.NO_USABILITY, lambda protocol: protocol.usability is None),
        ),
    ),
)
NOT_APPLICABLE: Final[Mapping[str, Absence]] = {one.condition: one for one in _ABSENCES}


def not_applicable(condition: str, protocol: Protocol) -> Finding | None:
    """The finding of a condition that does not apply to the protocol; None where it applies."""
    reason = NOT_APPLICABLE[condition].reason(protocol)
    return None if reason is None else Finding.of(condition, "condition", "not applicable", reason=reason)
