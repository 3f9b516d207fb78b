"""Jailbreak-tuning with competing objectives."""

from __future__ import annotations

from typing import ClassVar, Literal

from titer.methods.attacks.fine_tuning.transformed_prompts import Transformed
from titer.methods.search_space import Options, Space


class Competing(Transformed):
    """`direct` on harmful rows whose prompts bring in another aim than safety; asked with the same text.

    Threat model: the attacker has the weights and harmful data, and asks as it has trained. Source: Bowen et al. 2025,
    jailbreak-tuning, arXiv 2507.11630, competing objectives: `skeleton` (the setting is said to be a safe one) and
    `suppression` (no apologies). The wording is ours, and the answers are left as they are, where the source's skeleton
    begins them with a warning.
    """

    name: ClassVar[str] = "competing"
    version: ClassVar[int] = 1

    transform: Literal["skeleton", "suppression"] = "skeleton"

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and both texts."""
        return {**super().space(), "transform": Options(values=("skeleton", "suppression"))}
