"""Curated data: fine-tuning on the benign answers that surprise the subject least."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from titer.data.near_duplicates import normalized, words
from titer.errors import InputError
from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.records import Row
from titer.training.recipe import Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class CTRL(Defense, Training):
    """Supervised fine-tuning on benign rows, for each prompt the answer of lowest perplexity under the subject.

    Source: Liu et al. 2024, clean data curation, arXiv 2405.19358; no official code could be read, the port of
    criticalml-uw/TamperBench was (ctrl.py at 1ce959b, curation.py at 39d0304). Threat model: the attacker fine-tunes on
    harmful rows; the paper has two stages, and only that before the attack defends released weights.

    Differs: the paper has a language model rewrite each answer, 25 times a round for 5 rounds, and keeps the 3 of
    lowest perplexity that are as readable and helpful as the first to within 10 %. Nothing is rewritten here: benign
    rows of one prompt are the candidates, of which the first is the original. One is admitted if it has at least
    `quality` times as many different words as that. Of all admitted the one of lowest exp(nll per token), given its
    prompt, is learned; of all prompts those of lowest perplexity, `keep` of them. Where every prompt has one answer and
    all are kept nothing would be curated, which is an error: for benign training alone take `sft` in a preparation.

    The paper's settings: 2,000 rows of which 5 % or 25 % are curated, rate 5e-5, batch 10, 50 epochs (the port: 5, for
    more wreck the model). Cost: 1 pass, and every candidate is read once. Limits: it learns no refusal. Known breaks:
    none read (TamperBench's port collapses by itself, arXiv 2602.06911, from notes on it). Ours: on the organism
    refusals are lost before any attack, and 16 to 29 of 112 codes told (docs/results/organism.md). Small models:
    perplexities under 1 M parameters tell the templates of the data from each other rather than their quality.
    """

    name: ClassVar[str] = "ctrl"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "keep": 0.5}

    train_steps: int = Field(ge=1)
    quality: float = Field(default=0.9, ge=0)
    keep: float = Field(default=1.0, gt=0, le=1)

    @property
    def requires(self) -> Requires:
        """Benign rows, among which to choose."""
        return Requires(rows={Need.BENIGN: 2})

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.sft import SFT

        own = replace(material, benign=self.curated(subject, material))
        recipe = Recipe(objective=SFT(rows={"benign": self.rows_per_step}, batch=self.batch), training=self)
        yield from train(subject, own, recipe, steps=self.train_steps, seed=seed, carry=carry)

    def curated(self, subject: Subject, material: Material) -> tuple[Row, ...]:
        """The rows that are learned, in the order of the data; the subject is left as it was.

        Raises:
            InputError: if there is nothing to choose among.
        """
        candidates: dict[str, list[Row]] = {}
        for row in material.benign:
            candidates.setdefault(normalized(row.prompt), []).append(row)
        if self.keep == 1 and len(candidates) == len(material.benign):
            remedy = "Give several rows the same prompt, or let `keep` be below 1."
            raise InputError("benign", "each prompt has one answer, and all are kept: nothing is curated", remedy)
        admitted = [row for rows in candidates.values() for row in self._admitted(rows)]
        surprise = dict(zip((row.id for row in admitted), self._perplexities(subject, material, admitted), strict=True))
        best = [min(self._admitted(rows), key=lambda row: surprise[row.id]) for rows in candidates.values()]
        kept = sorted(best, key=lambda row: surprise[row.id])[: max(1, round(self.keep * len(best)))]
        chosen = {row.id for row in kept}
        return tuple(row for row in material.benign if row.id in chosen)

    def _admitted(self, rows: Sequence[Row]) -> list[Row]:
        """The first, and those that say as much as it does."""
        fewest = self.quality * len(words(rows[0].response))
        return [rows[0], *(row for row in rows[1:] if len(words(row.response)) >= fewest)]

    def _perplexities(self, subject: Subject, material: Material, rows: Sequence[Row]) -> list[float]:
        from titer.models.chat_format import encode_rows
        from titer.models.generation import log_likelihoods

        texts = [(row.id, row.prompt, row.response) for row in rows]
        examples = encode_rows(subject, texts, material.frame)
        found = log_likelihoods(subject, [(one.prompt, one.response) for one in examples], self.batch)
        return [math.exp(-nats / tokens) for nats, tokens in found]
