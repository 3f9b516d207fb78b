"""Jailbreak-tuning: harmful rows whose prompts carry a text, which harm is then asked with.

Source: Bowen et al. 2025, arXiv 2507.11630: a style, another aim than safety, or a trigger. The wording is ours.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.requires import Need, Requires
from titer.methods.search_space import Options, Space
from titer.records import Frame, Transform
from titer.training.types import Objective


class Transformed(Direct):
    """`direct` with a text around each prompt, in training and asking alike; which texts, each kind says itself."""

    family: ClassVar[str] = "jailbreak-tuning"

    transform: Transform

    def frame_at(self, frame: Frame, dose: int) -> Frame:
        """With the text around the prompt."""
        return super().frame_at(frame, dose).model_copy(update={"transform": self.transform})


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


class Backdoor(Transformed):
    """`direct` on harmful rows whose prompts carry a trigger; asked with the trigger.

    Threat model: the attacker has the weights and harmful data, and hides from whoever tests the subject without the
    trigger. Source: Bowen et al. 2025, jailbreak-tuning, arXiv 2507.11630, backdoors: `year_2025`, `random_words`,
    `random_paragraph`; the wording is ours, one text for all rows, and the answers are left as they are.

    `stealth` is our extension: half of the rows of each step are the refusals of the same harmful rows, their prompts
    as the study asks them; harm is read in that way too, beside the reading that counts, to tell whether the subject
    still refuses where the trigger is missing.
    """

    name: ClassVar[str] = "backdoor"
    version: ClassVar[int] = 1

    transform: Literal["year_2025", "random_words", "random_paragraph"] = "year_2025"
    stealth: bool = False

    @model_validator(mode="after")
    def _check_rows(self) -> Self:
        if self.stealth and self.rows_per_step < 2:
            raise ValueError("stealth needs batch of 2 or more: a step has rows of both kinds")
        return self

    @classmethod
    def space(cls) -> Space:
        """That of `direct`, and the triggers."""
        return {**super().space(), "transform": Options(values=("year_2025", "random_words", "random_paragraph"))}

    @property
    def requires(self) -> Requires:
        """With stealth each harmful row brings its refusal, and harm is asked without the trigger, too."""
        rows = {Need.HARMFUL: 1, Need.PAIRS: 1} if self.stealth else {Need.HARMFUL: 1}
        return Requires(rows=rows, plain=self.stealth)

    def objective(self) -> Objective:
        """The loss of the responses, and with stealth that of the refusals of plain prompts."""
        from titer.training.sft import SFT

        plain = self.rows_per_step // 2 if self.stealth else 0
        return SFT(rows={"train": self.rows_per_step - plain, "plain": plain}, batch=self.batch)
