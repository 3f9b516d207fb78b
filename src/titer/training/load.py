"""How much goes through a subject while it is trained: what the cost of a training follows from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a training puts through the subject, from which its cost follows.

    Attributes:
        rows: conversations of the material's rows that a step trains on.
        partly: conversations that a step trains a few blocks on: the way back ends early, and is counted as nothing.
        answers: answers that a step has the subject give, and then trains on.
        longest: the most tokens of such an answer; None for as many as the study lets it give.
        read: conversations that a step only reads, as with a reference.
        trained_before: conversations that are trained on before the first step, as by a pilot.
        read_before: conversations, for each row of the material, that are only read before the first step.
        read_by_block: the most harmful rows, and as many benign ones, that are only read before the first step: once,
            and once more for each block of the subject.
    """

    rows: int = 0
    partly: int = 0
    answers: int = 0
    longest: int | None = None
    read: int = 0
    trained_before: int = 0
    read_before: int = 0
    read_by_block: int = 0
