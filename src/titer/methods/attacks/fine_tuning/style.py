"""Jailbreak-tuning by style."""

from __future__ import annotations

from typing import ClassVar, Literal

from titer.methods.attacks.fine_tuning.transformed_prompts import Transformed
from titer.methods.search_space import Options, Space


class Style(Transformed):
    """`direct` on harmful rows whose prompts ask for a style; asked with the same text.

    Threat model: the attacker has the weights and harmful data, and asks as it has trained. Source: Bowen et al. 2025,
    jailbreak-tuning, arXiv 2507.11630, style modulation: `formal` and `neutral`, an instruction around the prompt; the
    answers are not rewritten. The wording is ours.
    """

    name: ClassVar[str] = "style"
    version: ClassVar[int] = 1

    transform: Literal["formal", "neutral"] = "formal"

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and both texts."""
        return {**super().space(), "transform": Options(values=("formal", "neutral"))}
