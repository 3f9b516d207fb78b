"""Refusals that are learned while the direction that mediates them fails at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from titer.methods.base import Defense
from titer.methods.requires import Need, Requires
from titer.training.load import Load
from titer.training.recipe import LoRA, Trainable, Training
from titer.training.types import Material, State, Step

if TYPE_CHECKING:
    from titer.models.subject import Subject


class DeepRefusal(Defense, Training):
    """Fine-tuning on refusals and benign answers under x ← x − (x·r)r at random positions of random sites.

    (1 − alpha) · mean over benign rows of Σ_t nll + alpha · mean over refusals of Σ_t nll: sums over the tokens of a
    row, so that long answers count more, and means over each kind, whose numbers in a batch do not matter. Sites are
    the input of each block and what its attention and its feed-forward part write. Source: Xie et al. 2025,
    arXiv 2509.15202 (EMNLP Findings); code: YuanBoXie/DeepRefusal, src/main.py and src/train_dataset.py at 5921e45.
    Threat model of the paper: jailbreaks, begun answers and edits along the refusal direction; it says nothing of
    fine-tuning.

    `coins` "site_and_position" is the code's: at every site of every pass a first coin with `ablation_prob` says
    whether it takes part, a second for each position, so that the share of ablated positions is its square; "position"
    draws the second alone. `begun_share` of the refusals come behind `prefix` tokens of the harmful answer, drawn anew
    at each step (the code has each row once so and once plain); `empty_share` of the benign rows lose their prompt, as
    there but for Mistral. `train_on_eos` false is what the code does where the padding token is the end.

    Differs: the direction is no file, but the difference of the mean inputs of a block after the last token of up to
    `prompts` prompts of each kind; of all blocks (`layer` names one, from 1) that whose direction, ablated everywhere,
    costs refusals most beside what it costs benign answers, in nats per token. Where none costs refusals more it fails,
    for there is nothing to ablate. Padding is on the right, and no option counts responses by a wrong offset.

    Defaults are those of the code (LoRA of rank 8, batch 8, length 1024); it gives no learning rate. Cost: 1 pass, and
    before the first step 2 · (L + 1) readings of `prompts` rows, or 2 where `layer` names the block. Known breaks:
    edits of deltas and directions of the released Llama-3-8B bring attack success to 89 % (wuwangzhang1216/abliterix,
    issue 11). Small models: with 2 to 4 blocks there are 6 to 12 sites, where 0.05 squared ablates nothing in most
    steps: let `ablation_prob` be 0.3 or more; a model of 135 M has 90 sites.
    """

    name: ClassVar[str] = "deep_refusal"
    version: ClassVar[int] = 1
    example: ClassVar[Mapping[str, Any]] = {"train_steps": 4, "ablation_prob": 0.5, "prefix": (1, 4), "layer": 1}

    train_steps: int = Field(ge=1)
    alpha: float = Field(default=0.2, ge=0, le=1)
    ablation_prob: float = Field(default=0.05, ge=0, le=1)
    coins: Literal["site_and_position", "position"] = "site_and_position"
    begun_share: float = Field(default=0.5, ge=0, le=1)
    prefix: tuple[int, int] = (20, 25)
    benign_share: float = Field(default=0.5, gt=0, lt=1)
    empty_share: float = Field(default=0.5, ge=0, le=1)
    train_on_eos: bool = True
    layer: int | None = Field(default=None, ge=1)
    prompts: int = Field(default=128, ge=1)
    trainable: Trainable = LoRA(dropout=0.05)

    @model_validator(mode="after")
    def _check_prefix(self) -> Self:
        if not 1 <= self.prefix[0] <= self.prefix[1]:
            raise ValueError("prefix is the fewest and the most tokens, 1 or more")
        if self.rows_per_step < 2:
            raise ValueError("a step has a refusal and a benign row: let batch be 2 or more")
        return self

    @property
    def requires(self) -> Requires:
        """Harmful rows with their refusals, and benign ones."""
        return Requires(rows={Need.PAIRS: 1, Need.BENIGN: 1})

    @property
    def load(self) -> Load:
        """The rows of a step, and before it those by which the direction is found."""
        rows = self.rows_per_step
        return Load(rows=rows, read_by_block=self.prompts) if self.layer is None else Load(rows=rows)

    def check(self, subject: Subject) -> None:
        """The sites must be found, and the block that is named."""
        from titer.training.refusal_ablation import check_layer

        check_layer(subject, self.layer)

    def steps(self, subject: Subject, material: Material, seed: int, carry: State | None) -> Iterator[Step]:
        """One yield per optimizer step."""
        from titer.training.loop import Recipe, train
        from titer.training.objectives.deep_refusal import AblatedRefusals, RefusalMixture

        self.check(subject)
        benign = min(max(1, round(self.rows_per_step * self.benign_share)), self.rows_per_step - 1)
        mixture = RefusalMixture(
            refusals=self.rows_per_step - benign,
            benign=benign,
            begun_share=self.begun_share,
            prefix=self.prefix,
            empty_share=self.empty_share,
            train_on_eos=self.train_on_eos,
        )
        objective = AblatedRefusals(
            mixture=mixture,
            batch=self.batch,
            alpha=self.alpha,
            probability=self.ablation_prob,
            coins=self.coins,
            layer=self.layer,
            prompts=self.prompts,
        )
        recipe = Recipe(objective=objective, training=self)
        yield from train(subject, material, recipe, steps=self.train_steps, seed=seed, carry=carry)
