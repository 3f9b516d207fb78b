"""The logit lens: what the final norm and the head read off the hidden states on the way up.

B rows   T tokens   d width   V vocabulary   L blocks   N targets
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from titer.errors import InputError
from titer.models import modules
from titer.models.subject import Subject
from titer.training.hidden_states import Reading, at_least_float32
from titer.training.sft import LossBatch, nll_of

FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm")


def final_norm(subject: Subject) -> nn.Module:
    """The norm between the last block and the head.

    Raises:
        InputError: if none of its usual names stands beside the blocks.
    """
    name, _ = modules.blocks(subject.model)
    beside = dict(subject.model.get_submodule(name.rpartition(".")[0]).named_children())
    for own in FINAL_NORMS:
        if own in beside:
            return beside[own]
    problem = f"it has none of {', '.join(FINAL_NORMS)} beside {name}"
    raise InputError("subject.model", problem, "Leave this defense out, or take another model.")


def lens_nll(subject: Subject, reading: Reading, batch: LossBatch, *, norm_last_twice: bool) -> Tensor:
    """(L + 2,) the summed negative log-likelihood of the targets in nats: by the logits, then by each hidden state.

    A hidden state h says head(norm(h)) of the next token. Logits are made where they are needed only, those of one
    state at a time, and again when the gradient is taken.

    Args:
        subject: the model that was read.
        reading: its pass over the batch.
        batch: the tokens, and which of them are targets.
        norm_last_twice: whether the last hidden state, which is normed already, is normed once more, as published code
            does.
    """
    norm, head = final_norm(subject), subject.model.get_output_embeddings()
    norms = [norm] * (len(reading.hidden) - 1) + [norm if norm_last_twice else nn.Identity()]
    sums = [nll_of(reading.logits[batch.places], batch)]
    for state, own in zip(reading.hidden, norms, strict=True):
        sums.append(checkpoint(partial(_said, subject, own, head, batch), state[batch.places], use_reentrant=False))
    return torch.stack(sums)


def _said(subject: Subject, norm: nn.Module, head: nn.Module, batch: LossBatch, states: Tensor) -> Tensor:
    """The sum that N hidden states (N, d) say."""
    with subject.precision():
        logits = head(norm(states))
    return nll_of(at_least_float32(logits), batch)
