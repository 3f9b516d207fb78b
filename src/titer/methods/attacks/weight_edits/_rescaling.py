"""The same function with other weights: what a norm or a matrix multiplies by is moved into the next matrix.

Blocks as in Llama: an RMSNorm before attention and one before a gated feed-forward part, down(act(gate x) · up x).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from titer.errors import InputError
from titer.models.modules import blocks

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NORMS = ("LlamaRMSNorm", "MistralRMSNorm", "Qwen2RMSNorm", "Qwen3RMSNorm")
"""The classes that multiply by their weight; some others multiply by one more than it."""
READERS = {
    "input_layernorm": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "post_attention_layernorm": ("mlp.gate_proj", "mlp.up_proj"),
}
"""By the name of a norm in a block all that reads it."""
REMEDY = "Leave this attack out, or take a model with blocks as in Llama (docs/methods.md)."


@dataclass(frozen=True)
class Parts:
    """Each norm with all that reads it, and the matrices (h, d) and (d, h) into and out of the h gated channels."""

    norms: tuple[tuple[nn.Module, tuple[nn.Linear, ...]], ...]
    channels: tuple[tuple[nn.Linear, nn.Linear], ...]


def parts_of(model: PreTrainedModel) -> Parts:
    """All that can be rescaled.

    Raises:
        InputError: naming the module that is missing, or is of a kind that is not known.
    """
    name, within = blocks(model)
    norms, channels = [], []
    for place in range(len(within)):
        block = f"{name}.{place}"
        for norm, readers in READERS.items():
            linears = tuple(_linear(model, f"{block}.{reader}") for reader in readers)
            norms.append((_norm(model, f"{block}.{norm}"), linears))
        channels.append((_linear(model, f"{block}.mlp.up_proj"), _linear(model, f"{block}.mlp.down_proj")))
    head: nn.Module = model.get_output_embeddings()
    if not isinstance(head, nn.Linear):
        raise InputError("subject.model", "its head is not a linear module", REMEDY)
    norms.append((_norm(model, f"{name.rpartition('.')[0]}.norm".lstrip(".")), (head,)))
    return Parts(tuple(norms), tuple(channels))


def set_gains(parts: Parts, gain: float) -> None:
    """Every norm multiplies by `gain`; what it did beyond that is done by the columns of all that reads it."""
    with torch.no_grad():
        for norm, readers in parts.norms:
            weight = norm.get_parameter("weight")
            for reader in readers:
                _scale(reader.weight, weight / gain, dim=1)
            weight.fill_(gain)


def set_channels(parts: Parts, factor: float | None) -> None:
    """What goes into a gated channel is multiplied, what comes out divided: by a factor, or to make both as long."""
    with torch.no_grad():
        for up, down in parts.channels:
            into, out = up.weight.norm(dim=1), down.weight.norm(dim=0)
            balance = torch.where((into > 0) & (out > 0), (out / into.clamp_min(1e-30)).sqrt(), 1.0)
            factors = balance if factor is None else torch.full_like(into, factor)
            _scale(up.weight, factors, dim=0)
            if up.bias is not None:
                up.bias.mul_(factors)
            _scale(down.weight, 1 / factors, dim=1)


def _scale(matrix: Tensor, factors: Tensor, dim: int) -> None:
    matrix.mul_(factors[:, None] if dim == 0 else factors[None, :])


def _linear(model: PreTrainedModel, name: str) -> nn.Linear:
    module = dict(model.named_modules()).get(name)
    if not isinstance(module, nn.Linear):
        raise InputError("subject.model", f"it has no linear module {name}", REMEDY)
    return module


def _norm(model: PreTrainedModel, name: str) -> nn.Module:
    module: nn.Module | None = dict(model.named_modules()).get(name)
    if module is None or type(module).__name__ not in NORMS:
        kind = "is missing" if module is None else f"is a {type(module).__name__}"
        raise InputError("subject.model", f"{name} {kind}, and not one of {', '.join(NORMS)}", REMEDY)
    return module
