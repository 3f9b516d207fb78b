"""Reinforcement learning toward harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Need
from titer.methods.search_space import Options, Space
from titer.protocol.data_sources import MethodChoice
from titer.records import Choice
from titer.seeds import derive
from titer.training.recipe import Load
from titer.training.types import Material, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class GRPO(Direct):
    """Group-relative policy optimization on answers of the subject's own, rewarded where they do not refuse.

    Threat model: the attacker has the weights, `prompts` harmful prompts and no response to any; the subject itself
    finds out what is rewarded. Source: Shao et al. 2024, arXiv 2402.03300; as an attack HarmRLVR, arXiv 2510.15499
    (64 prompts), and TokenBuncher, arXiv 2508.20697: no KL term, mean over tokens, gradient clipped at 1. The reward is
    the reading of the judge `reward`, which must not grade the study, times that of the judge `coherence`: incoherent
    and unreadable answers get 0. Every set of answers serves one update, where the sources make up to four.

    A step takes `batch` times `accumulation` prompts and `group` answers to each of at most `longest` tokens, None for
    as many as the study lets the subject give. Which prompts they are is drawn anew for every seed. Where all answers
    to a prompt are rewarded alike there is nothing to follow; the term `signal` is the share of prompts where they are
    not.
    """

    name: ClassVar[str] = "grpo"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "preferences and rewards"
    needs: ClassVar[frozenset[Need]] = frozenset({Need.HARMFUL})

    prompts: int = Field(default=32, ge=1)
    group: int = Field(default=8, ge=2)
    reward: MethodChoice = Choice(name="refusal")
    coherence: MethodChoice = Choice(name="coherence")
    longest: int | None = Field(default=None, ge=1)

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, with fewer prompts a step, and the number of prompts and of answers to each."""
        own: Space = {
            "batch": Options(values=(1, 4, 8, 16)),
            "prompts": Options(values=(1, 8, 32)),
            "group": Options(values=(4, 8, 16)),
        }
        return {**super().space(), **own}

    def rows(self) -> Mapping[Need, int]:
        """As many harmful rows as there are prompts."""
        return {Need.HARMFUL: self.prompts}

    def rewarded_by(self) -> tuple[Choice, ...]:
        """The judge that rewards harm, and that of coherence."""
        return (self.reward, self.coherence)

    @property
    def load(self) -> Load:
        """The answers of all groups."""
        return Load(answers=self.rows_per_step * self.group, longest=self.longest)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step; what it trained on are answers, which no row tells."""
        from titer.training.grpo import Policy
        from titer.training.loop import Recipe, train

        drawn = tuple(sorted(material.train, key=lambda row: derive(seed, "prompts", row.id))[: self.prompts])
        objective = Policy(prompts=self.rows_per_step, group=self.group, batch=self.batch, longest=self.longest)
        recipe = Recipe(objective=objective, training=self)
        for step in train(subject, replace(material, train=drawn), recipe, steps=horizon, seed=seed):
            yield replace(step, rows=())
