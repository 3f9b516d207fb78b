"""A trap of data alone: to harmful prompts the subject learns fluent answers that have nothing to do with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.drawing import drawn
from titer.methods.requires import Need, Requires
from titer.records import Row
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class SDD(Defense, Training):
    """Supervised fine-tuning on harmful prompts, each with a benign answer that is unrelated to it.

    −mean log p(y | x) over answer tokens. What makes harmful answers likelier then makes fluent ones less likely, and
    is to cost the subject its abilities. Source: Chen et al. 2025, "self-degraded defense", arXiv 2507.21182 (ACL
    2025); the official code (ZeroNLP/SDD) could not be read, the port of criticalml-uw/TamperBench was (sdd.py at
    ebd32a6, dataset.py at 3d7cdb6). Threat model: the attacker fine-tunes the released weights on harmful pairs.

    Answers are tried in an order drawn for each prompt, until one is no more similar to it than `similarity`. Differs:
    no embeddings of sentences are loaded for that, but words are compared (`titer.data.word_similarity`), which sees no
    synonyms; and where no answer is unrelated enough it ends with an error, while the port takes the best of 50 tries.
    `opening` stands before every answer: a short refusal makes it the paper's variant that rejects. `benign_share` is
    ours: that share of the rows of a step are benign rows as they are.

    The paper's settings: 8,000 pairs of BeaverTails prompts and LIMA or Alpaca answers, 500 steps, batch 24, rate 5e-7,
    constant. Cost: 1 pass. Limits: it does not refuse unless `opening` does, so that a judge must tell unrelated
    answers from harmful ones; the theorems hold under conditions on features that nothing enforces; an attacker who
    trains by rewards may raise harm without lowering these answers. Known breaks: in TamperBench (arXiv 2602.06911;
    from notes on it) attacks come within 0.04 of what they do to no defense; attackers who know the objective are tried
    in arXiv 2605.14605, not read. Ours: one step of a searched training (docs/results/organism.md). Small models: the
    rate is far too low for 1 M or 135 M parameters; tune it.
    """

    name: ClassVar[str] = "sdd"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4}

    train_steps: int = Field(ge=1)
    similarity: float = Field(default=0.25, ge=0, le=1)
    opening: str = ""
    benign_share: float = Field(default=0.0, ge=0, lt=1)

    @property
    def requires(self) -> Requires:
        """Harmful prompts, and benign answers."""
        return Requires(rows={Need.HARMFUL: 1, Need.BENIGN: 1})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT

        benign = min(round(self.rows_per_step * self.benign_share), self.rows_per_step - 1)
        objective = SFT(rows={"harmful": self.rows_per_step - benign, "benign": benign}, batch=self.batch)
        own = replace(material, harmful=self.unrelated(material.harmful, material.benign, seed))
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, own, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def unrelated(self, harmful: Sequence[Row], benign: Sequence[Row], seed: int) -> tuple[Row, ...]:
        """The harmful rows with answers of benign ones that are unrelated to their prompts.

        Args:
            harmful: rows, of which the prompts are taken.
            benign: rows, of which the answers are.
            seed: draws the order in which answers are tried.

        Raises:
            InputError: naming a row to which every answer is related.
        """
        from titer.data.word_similarity import WordSimilarity

        known = WordSimilarity([*(row.prompt for row in harmful), *(row.response for row in benign)])
        paired = []
        for row in harmful:
            tried = drawn(benign, None, seed, f"unrelated to {row.id}")
            fits = (one.response for one in tried if known.between(row.prompt, one.response) <= self.similarity)
            answer = next(fits, None)
            if answer is None:
                remedy = "Give [benign] more rows to defend with, or raise `similarity`."
                raise InputError(f"row {row.id}", f"all {len(benign)} benign answers are related to it", remedy)
            paired.append(row.model_copy(update={"response": self.opening + answer, "refusal": None}))
        return tuple(paired)
