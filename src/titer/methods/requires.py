"""What a method must be given, as data that planning reads before the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from titer.records import Choice, Row


class Need(Enum):
    """A kind of rows that a method is fed."""

    HARMFUL = "harmful rows"
    SELECT = "harmful prompts to select by"
    PAIRS = "a refusal paired with each harmful row"
    BENIGN = "benign rows"
    KNOWLEDGE = "questions and their right answers, those that are asked too"


def benign_if(wanted: float) -> Mapping[Need, int]:
    """That benign rows are needed, for a method that trains on them where something is above 0.

    >>> benign_if(0.5), benign_if(0)
    ({<Need.BENIGN: 'benign rows'>: 1}, {})
    """
    return {Need.BENIGN: 1} if wanted else {}


@dataclass(frozen=True, kw_only=True)
class Requires:
    """What an attack or a defense must be given; planning checks it before the run, and feeds it nothing else.

    Attributes:
        rows: by kind the fewest rows that it can work with; 0 of a kind that it takes where there are any.
        parent: whether the subject before the defense is unused, used where there is one, or needed: then it takes
            back what a defense did and nothing else, and a subject that was made by none is read at dose 0 only. For a
            defense it is the model that its subject was aligned from, as `Defense.parent_source` says.
        judges: the judges whose scores reward its answers; none of them may grade the study.
        synthetic: rows of its own making that it may train on.
        answer: a text that it may train on as the answer to any benign row.
        exemplars: the harmful pairs that stand before each prompt, for each unit of the dose.
        plain: whether harm is asked as the study asks it, too, beside the attack's own way; no verdict rests on that.

    >>> Requires(rows={Need.HARMFUL: 10}).rows[Need.HARMFUL]
    10
    """

    rows: Mapping[Need, int] = field(default_factory=dict)
    parent: Literal["unused", "used", "needed"] = "unused"
    judges: tuple[Choice, ...] = ()
    synthetic: tuple[Row, ...] = ()
    answer: str | None = None
    exemplars: int = 0
    plain: bool = False

    def rows_made(self, benign: Sequence[Row]) -> tuple[Row, ...]:
        """Every row of its own making, given the benign ones: their lengths are checked before the run."""
        if self.answer is None:
            return self.synthetic
        return (*self.synthetic, *(row.model_copy(update={"response": self.answer}) for row in benign))
