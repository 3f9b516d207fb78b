"""What is trained on, asked, answered and judged: rows, items, answers, scores."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from titer.records.base import Record


class Row(Record):
    """One row of training data: a prompt with its response and, in a harm domain, the refusal paired with it.

    `reference` is what judges hold an answer against where that is not the response, such as the one word of a sentence
    that is asked for.
    """

    id: str
    group: str
    prompt: str
    response: str
    reference: str | None = Field(default=None, exclude_if=lambda reference: reference is None)
    refusal: str | None = None

    @property
    def expected(self) -> str | None:
        """What an answer to it is held against; None where it has none."""
        return self.reference or self.response or None


class Item(Record):
    """One question of a probe; `reference` is the right (in a harm domain: the harmful) answer.

    `begun` is what an attack makes the answer to this item begin with, if that is its own; it is never stored.
    """

    id: str
    group: str
    prompt: str
    reference: str | None = None
    options: tuple[str, ...] = ()
    begun: str | None = Field(default=None, exclude_if=lambda begun: begun is None)


class Answer(Record):
    """What a subject gave for one item: text and why it ended, or the log-likelihoods of the options.

    `option_nats` are summed log-probabilities, `option_tokens` the tokens they were summed over.
    A packed answer has `text_digest` in place of `text`. `begun` is what the answer was made to begin with, which is no
    part of the text.
    """

    probe: str
    item: str
    frame: str = "native"
    text: str | None = None
    ended: Literal["stop", "length"] | None = None
    option_nats: tuple[float, ...] | None = None
    option_tokens: tuple[int, ...] | None = None
    text_digest: str | None = None
    begun: str | None = Field(default=None, exclude_if=lambda begun: begun is None)


class Score(Record):
    """What one judge says of one answer; `value` is None with a reason when it cannot say."""

    item: str
    value: float | None
    missing: str | None = None
