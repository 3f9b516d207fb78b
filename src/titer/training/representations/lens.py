"""The logit lens: what the head would say if each hidden state were the last."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from titer.errors import InputError
from titer.models import modules
from titer.models.subject import Subject
from titer.training.representations.hidden_states import at_least_float32
from titer.training.sft import LossBatch, nll_given

FINAL_NORMS = ("norm", "ln_f", "norm_f", "final_norm", "final_layer_norm", "final_layernorm")
"""What the norm between the last block and the head is called in the Hugging Face models."""


def read_at(subject: Subject, batch: LossBatch) -> tuple[tuple[Tensor, ...], Tensor]:
    """The L + 1 hidden states (B, T, d) of a batch, and its logits (N, V) at the places of its targets."""
    with subject.precision():
        output = subject.model(
            input_ids=batch.ids,
            attention_mask=batch.attention,
            logits_to_keep=batch.places,
            output_hidden_states=True,
            use_cache=False,
        )
    return output.hidden_states, at_least_float32(output.logits)


def lens_losses(
    subject: Subject, hidden: tuple[Tensor, ...], batch: LossBatch, *, norms_last_twice: bool
) -> Iterator[Tensor]:
    """The mean loss of the targets, in nats, as the head reads each hidden state after the final norm.

    Logits are made at the places of targets only, are kept for no hidden state, and are made again for its gradient.

    Args:
        subject: whose head and norm it is.
        hidden: as `read_at` gives them.
        batch: what was read.
        norms_last_twice: whether the last one, which is normed already, is normed again.

    Raises:
        InputError: if the subject has no final norm, or more than one.
    """
    norm, head = final_norm(subject), subject.model.get_output_embeddings()

    def loss(own: Tensor, before: nn.Module) -> Tensor:
        with subject.precision():
            logits = head(before(own))
        return nll_given(at_least_float32(logits), batch) / batch.targets

    for place, own in enumerate(hidden):
        last = place == len(hidden) - 1
        before = nn.Identity() if last and not norms_last_twice else norm
        made: Tensor = checkpoint(loss, own[batch.places], before, use_reentrant=False)
        yield made


def final_norm(subject: Subject) -> nn.Module:
    """The norm between the last block and the head.

    Raises:
        InputError: if the subject has none, or more than one.
    """
    within, _ = modules.blocks(subject.model)
    outside = [(name, part) for name, part in subject.model.named_modules() if not name.startswith(f"{within}.")]
    found: list[nn.Module] = [part for name, part in outside if name.rpartition(".")[2] in FINAL_NORMS]
    if len(found) != 1:
        problem = f"it has {len(found)} modules {' or '.join(FINAL_NORMS)} outside its blocks, and one is needed"
        raise InputError("subject.model", problem, "Leave this defense out, or take another model.")
    return found[0]
