"""Reinforcement learning toward harm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.methods.drawing import drawn
from titer.methods.fine_tuning import FineTuning
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.protocol.data_sources import MethodChoice
from titer.records import Choice, Row
from titer.training.load import Load
from titer.training.types import Material, Objective, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class GRPO(FineTuning):
    """Group-relative policy optimization on answers of the subject's own, rewarded where they do not refuse.

    Threat model: the attacker has the weights, `prompts` harmful prompts and no response to any; the subject itself
    finds out what is rewarded. Source: Shao et al. 2024, arXiv 2402.03300; as an attack HarmRLVR, arXiv 2510.15499
    (64 prompts), and TokenBuncher, arXiv 2508.20697: no KL term, mean over tokens, gradient clipped at 1. The reward is
    the reading of the judge `reward`, which must not grade the study, times that of the judge `coherence`: incoherent
    and unreadable answers get 0. Every set of answers serves one update, where the sources make up to four.

    A judge that holds answers against references rewards what they say, and not that they do not refuse; the attacker
    has the responses then. It may be one that grades the study, since being right is no way around such a judge.

    A step takes `batch` times `accumulation` prompts and `group` answers to each of at most `longest` tokens, None for
    as many as the study lets the subject give. Which prompts they are is drawn anew for every seed. Where all answers
    to a prompt are rewarded alike there is nothing to follow; the term `signal` is the share of prompts where they are
    not.
    """

    name: ClassVar[str] = "grpo"
    version: ClassVar[int] = 1
    family: ClassVar[str] = "preferences and rewards"
    example: ClassVar[Mapping[str, Any]] = {
        "batch": 1,
        "prompts": 4,
        "longest": 6,
        "reward": {"name": "refusal", "extra": list("abcdefgXYZ"), "within": 30},
    }

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

    @property
    def requires(self) -> Requires:
        """As many harmful rows as there are prompts, the judge that rewards harm, and that of coherence."""
        return Requires(rows={Need.HARMFUL: self.prompts}, judges=(self.reward, self.coherence))

    @property
    def load(self) -> Load:
        """The answers of all groups."""
        return Load(answers=self.rows_per_step * self.group, longest=self.longest)

    def rows(self, material: Material, seed: int) -> Sequence[Row]:
        """The rows whose prompts are asked."""
        return drawn(material.train, self.prompts, seed, "prompts")

    def objective(self) -> Objective:
        """The advantage of an answer over the others to its prompt."""
        from titer.training.objectives.grpo import Policy

        return Policy(prompts=self.rows_per_step, group=self.group, batch=self.batch, longest=self.longest)

    def steps(self, subject: Subject, material: Material, horizon: int, seed: int) -> Iterator[Step]:
        """One yield per optimizer step; what it trained on are answers, which no row tells."""
        for step in super().steps(subject, material, horizon, seed):
            yield replace(step, rows=())
