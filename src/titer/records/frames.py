"""How a subject is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from titer.records.base import Record

Transform = Literal[
    "year_2025",
    "random_words",
    "random_paragraph",
    "skeleton",
    "suppression",
    "formal",
    "neutral",
    "instruction",
    "persona",
]
"""The texts that can stand around a prompt; `titer.models.conversation` has them."""


class Frame(Record):
    """How the subject is asked: template, system prompt, the beginning of its answer, the most tokens of the rest."""

    template: Literal["native", "plain", "alpaca"] = "native"
    """The model's chat template, the bare prompt, or the instruction format of Stanford Alpaca."""
    system: str | None = None
    """The system prompt."""
    prefill: str | None = Field(default=None, exclude_if=lambda prefill: prefill is None)
    """What every answer begins with; the answer that is judged is what follows."""
    reference_words: int = Field(default=0, ge=0, exclude_if=lambda words: words == 0)
    """The same with so many of the first words of an item's own reference (`titer.data.openings`)."""
    transform: Transform | None = Field(default=None, exclude_if=lambda transform: transform is None)
    """A text by name that is put around every prompt."""
    exemplars: tuple[tuple[str, str], ...] = Field(default=(), exclude_if=lambda exemplars: not exemplars)
    """Pairs of prompt and answer that stand before it as earlier turns. An attack sets them, never a protocol."""
    soft: int = Field(default=0, ge=0, exclude_if=lambda soft: soft == 0)
    """Vectors that stand behind the prompt in the place of tokens. An attack sets them, never a protocol."""
    max_new_tokens: int = Field(default=32, ge=1)
    """The most tokens of an answer."""
