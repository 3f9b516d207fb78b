"""The families of attacks that are published and standard, and what a study writes down of its own attacks."""

from __future__ import annotations

from typing import Any, Final

from pydantic import Field

from titer.records import Record

FINE_TUNING: Final = "harmful fine-tuning"
"""The family that is listed twice: defenses withstood LoRA and not full parameters, and the other way round."""

FAMILIES: Final = (
    f"{FINE_TUNING}, full parameters",
    f"{FINE_TUNING}, LoRA",
    "few-shot relearning",
    "poisoned mixtures",
    "benign fine-tuning",
    "identity shift",
    "jailbreak-tuning",
    "staged training",
    "preferences and rewards",
    "adaptive to the defense",
    "refusal ablation",
    "perturbation of the weights",
    "merging and delta removal",
    "prefilled answers",
    "exemplars in context",
    "soft prompt",
)
"""In the order in which reports list them; every attack says itself of which it is."""


class OpeningFacts(Record):
    """How many answers of a domain an attack makes to begin with words of their reference, and how many at most."""

    domain: str
    items: int
    begun: int
    words: int


class AttackFacts(Record):
    """What is written down of an attack when its study is frozen, for all that cannot load its method afterwards.

    Attributes:
        families: those that its configurations are of, more than one where a search tries several.
        sham: the label of its sham, the benign fine-tuning control: the same training on harmless rows; None where it
            has none.
        trains: whether it learns at a learning rate; None where the study was frozen before this was written down.
        rescales: whether it rescales the weights before it trains, as a defense may have done to slow training down.
        openings: by domain what it can prefill of references, where it does that.
        searched: of one that is searched, by parameter the range, as low and high, or the values that it is tried with.
        fixed: what its method could be searched by besides, and is not.
    """

    families: tuple[str, ...] = ()
    sham: str | None = None
    trains: bool | None = Field(default=None, exclude_if=lambda trains: trains is None)
    rescales: bool = Field(default=False, exclude_if=lambda rescales: not rescales)
    openings: tuple[OpeningFacts, ...] = Field(default=(), exclude_if=lambda openings: not openings)
    searched: dict[str, dict[str, float] | tuple[Any, ...]] = Field(
        default_factory=dict, exclude_if=lambda own: not own
    )
    fixed: tuple[str, ...] = Field(default=(), exclude_if=lambda fixed: not fixed)
