"""Direct preference optimization: one of two responses becomes more likely than the other, held against a reference."""

from __future__ import annotations

import torch
from torch import Tensor

from titer.models.generation import log_likelihoods
from titer.models.subject import Subject
from titer.training.sft import ASKED, BatchSampler, TrainRow, check_pairs, count_responses, log_probs, tokens
from titer.training.types import Material, Objective, Update


class Preference(Objective):
    """-log sigmoid(beta · h), the mean over the pairs of a step.

    h = [log p(harmful) - log p0(harmful)] - [log p(refusal) - log p0(refusal)], log-probabilities summed over the
    tokens of a response, p0 the subject as it was before the first step. Source: Rafailov et al. 2023, arXiv
    2305.18290, equation 7, with the harmful response as the preferred one.

    Args:
        pairs: how many pairs make a step.
        batch: how many pairs go through the subject at once.
        beta: how much a nat of h counts.

    One objective serves one training: pairs are encoded, and p0 read, at its first step. An adapter that begins at
    zero is then on already, and changes nothing of p0.
    """

    def __init__(self, *, pairs: int, batch: int, beta: float) -> None:
        self.pairs = pairs
        self.batch = batch
        self.beta = beta
        self._sampler: BatchSampler | None = None
        self._reference: dict[str, tuple[float, float]] = {}

    def backward(self, subject: Subject, material: Material, t: int, seed: int) -> Update:
        """Add the gradient of the mean."""
        asked = 0
        if self._sampler is None:
            assert t == 0, "the reference is the subject before the first step"
            self._sampler = BatchSampler(subject, material, ("harmful", "refusal"))
            asked = self._read_reference(subject, self._sampler)
        harmful = self._sampler.draw("harmful", self.pairs, t, seed)
        refusals = self._sampler.draw("refusal", self.pairs, t, seed)
        check_pairs(refusals, harmful)
        margins, counted = [], []
        for start in range(0, self.pairs, self.batch):
            end = start + self.batch
            both = [one.example for one in (*harmful[start:end], *refusals[start:end])]
            (batch,) = count_responses(subject, both, len(both))
            margin = self.beta * self._margins(log_probs(subject, batch), harmful[start:end])
            torch.autograd.backward(-torch.nn.functional.logsigmoid(margin).sum() / self.pairs)
            margins.append(margin.detach())
            counted.append(batch)
        return Update(
            terms=_terms(torch.cat(margins)),
            rows=tuple(one.row for one in harmful),
            tokens={**tokens(counted, [*harmful, *refusals]), ASKED: asked},
        )

    def _read_reference(self, subject: Subject, sampler: BatchSampler) -> int:
        """Both log-probabilities of each pair under p0; how many tokens that took."""
        pairs = list(zip(sampler.all("harmful"), sampler.all("refusal"), strict=True))
        both = [one.example for pair in pairs for one in pair]
        found = log_likelihoods(subject, [(each.prompt, each.response) for each in both], 2 * self.batch)
        for place, (harmful, _) in enumerate(pairs):
            self._reference[harmful.row] = (found[2 * place][0], found[2 * place + 1][0])
        return sum(len(each.ids) for each in both)

    def _margins(self, found: Tensor, harmful: list[TrainRow]) -> Tensor:
        """(B,) h of each pair, from the log-probabilities of B harmful responses and then of their refusals."""
        reference = torch.tensor([self._reference[one.row] for one in harmful], device=found.device)
        gained, lost = found.chunk(2)
        return (gained - reference[:, 0]) - (lost - reference[:, 1])


def _terms(margins: Tensor) -> dict[str, float]:
    """The loss, the mean of beta · h, and the share of pairs in which harm has gained on the refusal."""
    return {
        "loss": float(-torch.nn.functional.logsigmoid(margins).mean()),
        "margin": float(margins.mean()),
        "reward_accuracy": float((margins > 0).float().mean()),
    }
