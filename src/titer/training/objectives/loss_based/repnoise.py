"""Refusals are learned while harmful responses become noise inside, and unlikely at every depth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from titer.models.subject import Subject
from titer.training.objectives.loss_based.adversarial_loss import count_differences
from titer.training.representations import hidden_states
from titer.training.representations.lens import lens_losses, read_at
from titer.training.sft import (
    BatchSampler,
    LossBatch,
    RowSource,
    Weighing,
    check_pairs,
    count_responses,
    descend_by_rows,
    nll_given,
    tokens,
)
from titer.training.types import Material, Objective, Update

KERNELS = 5
"""Gaussian kernels of the discrepancy, each twice as wide as the one before, the third as wide as the mean distance."""


class Noising(Objective):
    """ce(refusals and benign rows) + beta · N - alpha · log(H), where N and log(H) are means over the batches of pairs.

    N is `mmd` between what each feed-forward part writes on harmful responses and Gaussian noise, the mean over blocks;
    H the harmful loss in nats per token at the head and, through the lens, at every hidden state, plus 1. Only tokens
    at which a refusal and its harmful response differ enter either. Logits of one hidden state are held at a time.

    Args:
        pairs: harmful rows of a step, each with its refusal.
        benign: benign rows of a step, learned beside the refusals.
        batch: pairs, or benign rows, that go through the subject at once; N is of so many.
        alpha: how much log(H) counts.
        beta: how much N counts.
        plus_one: whether 1 is added to H.
        norms_last_twice: whether the lens norms the last hidden state, which is normed already.
        zeroed: whether logits are zeroed where the token before does not differ; see `count_differences`.
        weigh: whether the tokens of refusals and benign rows count alike, or either by its rows.
    """

    def __init__(
        self,
        *,
        pairs: int,
        benign: int,
        batch: int,
        alpha: float,
        beta: float,
        plus_one: bool = True,
        norms_last_twice: bool = True,
        zeroed: bool = True,
        weigh: Weighing = "tokens",
    ) -> None:
        self.pairs, self.benign, self.batch = pairs, benign, batch
        self.alpha, self.beta = alpha, beta
        self.plus_one, self.norms_last_twice, self.zeroed = plus_one, norms_last_twice, zeroed
        self.weigh: Weighing = weigh
        self._sampler: BatchSampler | None = None

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the good part, then that of the harmful one, batch by batch."""
        if self._sampler is None:
            parts: list[RowSource] = ["refusal", "harmful", "benign"] if self.benign else ["refusal", "harmful"]
            self._sampler = BatchSampler(subject, material, parts)
        refusals = self._sampler.draw("refusal", self.pairs, t, seed)
        harmful = self._sampler.draw("harmful", self.pairs, t, seed)
        check_pairs(refusals, harmful)
        benign = self._sampler.draw("benign", self.benign, t, seed) if self.benign else []
        examples = ([one.example for one in part] for part in (refusals, harmful, benign))
        refused, answered, helped = examples
        pairs = count_differences(subject, refused, answered, self.batch, zeroed=self.zeroed)
        learned = [[good for good, _ in pairs], count_responses(subject, helped, self.batch)]
        flat = [batch for part in learned for batch in part]
        good_loss = descend_by_rows(subject, learned if self.weigh == "rows" else [flat])
        found: Counter[str] = Counter()
        for good, bad in pairs:
            share = len(bad.ids) / self.pairs
            found.update({name: share * own for name, own in self._descend(subject, good, bad, share).items()})
        drawn = [*refusals, *benign, *harmful]
        return Update(
            terms={"loss": good_loss + found.pop("opposed"), "refusal_loss": good_loss, **found},
            rows=tuple(one.row for one in drawn),
            tokens=tokens([*flat, *(bad for _, bad in pairs)], drawn),
        )

    def _descend(self, subject: Subject, good: LossBatch, bad: LossBatch, share: float) -> dict[str, float]:
        """Add a share of the gradient of beta · N - alpha · log(H) of one batch of pairs."""
        with hidden_states.outputs(hidden_states.mlps(subject)) as written:
            hidden, logits = read_at(subject, bad)
        noise = noise_distance(written, good.ids != bad.ids)
        final = nll_given(logits, bad) / bad.targets
        lenses = sum(lens_losses(subject, hidden, bad, norms_last_twice=self.norms_last_twice), final) / len(hidden)
        log_loss = (lenses + 1.0 if self.plus_one else lenses).log()
        opposed = self.beta * noise - self.alpha * log_loss
        torch.autograd.backward(share * opposed)
        found = {
            "harmful_loss": final,
            "lens_loss": lenses,
            "log_lens_loss": log_loss,
            "noise_distance": noise,
            "opposed": opposed,
        }
        return {name: float(own.detach()) for name, own in found.items()}


def noise_distance(written: Sequence[Tensor], counts: Tensor) -> Tensor:
    """The mean over blocks of `mmd` between what each wrote (B, T, d) and noise, both 0 where `counts` (B, T) is False.

    Noise is drawn for one block after the other from torch's global generator.
    """
    shown = counts[..., None]
    distances = []
    for own in written:
        exact = hidden_states.at_least_float32(own) * shown
        noise = torch.randn_like(exact) * shown
        distances.append(mmd(exact.flatten(1), noise.flatten(1)))
    return torch.stack(distances).mean()


def mmd(one: Tensor, other: Tensor) -> Tensor:
    """The squared maximum mean discrepancy between two sets (n, D) of as many vectors, by five Gaussian kernels.

    Its expectation where both are of one distribution is not 0 (the estimator is biased), so that values of sets of
    different sizes do not compare; for n = 1 it is 6.1863 whatever the vectors. The width has no gradient.
    Source: Gretton et al. 2012, JMLR 13, equation 5 with kernels exp(-D² / (w · 2^i)), i = -2 to 2, w the mean D².
    """
    both = torch.cat([one, other])
    lengths = both.square().sum(1)
    squared = (lengths[:, None] + lengths - 2 * both @ both.T).clamp_min(0)
    width = squared.detach().sum() / (len(both) ** 2 - len(both)) / 2 ** (KERNELS // 2)
    kernel = torch.stack([torch.exp(-squared / (width * 2**place)) for place in range(KERNELS)]).sum(0)
    n = len(one)
    return (kernel[:n, :n] + kernel[n:, n:] - kernel[:n, n:] - kernel[n:, :n]).mean()
