"""The parts of a causal language model that edits of its weights work on: blocks, their matrices, residual writers.

They are found by the names that the Hugging Face models share. The blocks are the list of `num_hidden_layers` modules.
In each block one module ends the attention (`ATTENTION_OUT`) and one the feed-forward part (`MLP_OUT`); these, and
every embedding as wide as the model outside the blocks (of tokens, of positions), write to the residual stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from titer.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ATTENTION_OUT = ("o_proj", "out_proj", "attn.c_proj", "attn.dense", "attention.dense")
MLP_OUT = ("down_proj", "mlp.c_proj", "fc2", "fc_out", "dense_4h_to_h")
NORMS_AFTER = ("post_feedforward_layernorm", "post_mlp_layernorm", "word_embeddings_layernorm", "embed_layer_norm")
"""Norms of what was written: behind them the stream has a direction again that no writer has."""

REMEDY = "Leave this attack out, or take a model whose modules docs/methods.md names."


@dataclass(frozen=True)
class Writers:
    """What writes to the residual stream: embeddings (V, d), and linear modules whose output is d wide, by name."""

    embeddings: Mapping[str, nn.Embedding]
    linears: Mapping[str, nn.Module]


def blocks(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """The blocks in order, with the name of their list.

    Raises:
        InputError: if the model has no such list.
    """
    layers = model.config.get_text_config().num_hidden_layers
    found = [(name, part) for name, part in model.named_modules() if isinstance(part, nn.ModuleList)]
    for name, part in found:
        if len(part) == layers:
            return name, part
    raise InputError("subject.model", f"it has no list of {layers} blocks", REMEDY)


def attention_of(block: nn.Module) -> nn.Module:
    """The attention of a block, norms apart: the module that `ATTENTION_OUT` is a part of."""
    (name,) = {own.rpartition(".")[0] for own, _ in block.named_modules() if own.endswith(ATTENTION_OUT)}
    return block.get_submodule(name)


def matrices(model: PreTrainedModel) -> dict[str, Tensor]:
    """Every matrix inside the blocks as a view (outputs, inputs), by the name of its module.

    Embeddings, the head, norms and biases are none of them.

    Raises:
        InputError: if the blocks hold matrices that are not those of linear modules.
    """
    name, within = blocks(model)
    linear = {f"{name}.{own}": part for own, part in within.named_modules() if isinstance(part, nn.Linear | Conv1D)}
    for own, parameter in within.named_parameters():
        if parameter.dim() > 1 and f"{name}.{own}".removesuffix(".weight") not in linear:
            raise InputError("subject.model", f"{name}.{own} is not the matrix of a linear module", REMEDY)
    return {own: rows_of(part) for own, part in linear.items()}


def writers(model: PreTrainedModel) -> Writers:
    """Every module that writes to the residual stream.

    Raises:
        InputError: naming the block in which a writer was not found, or a norm that follows one.
    """
    width = int(model.config.get_text_config().hidden_size)
    name, within = blocks(model)
    linears: dict[str, nn.Module] = {}
    for place in range(len(within)):
        for own in writers_of_block(model, place):
            linears |= own
    embeddings = {
        own: part
        for own, part in model.named_modules()
        if isinstance(part, nn.Embedding) and part.embedding_dim == width and not own.startswith(f"{name}.")
    }
    if model.get_input_embeddings() not in embeddings.values():
        raise InputError("subject.model", f"its embeddings are not {width} wide", REMEDY)
    for own, _ in model.named_modules():
        if own.endswith(NORMS_AFTER):
            raise InputError("subject.model", f"{own} follows what is written to the residual stream", REMEDY)
    return Writers(embeddings, linears)


def writers_of_block(model: PreTrainedModel, place: int) -> tuple[Mapping[str, nn.Module], Mapping[str, nn.Module]]:
    """The modules by name that write what the attention and what the feed-forward part of a block found.

    Raises:
        InputError: if one is not found.
    """
    width = int(model.config.get_text_config().hidden_size)
    name, within = blocks(model)
    parts = dict(within[place].named_modules())
    found = []
    for suffixes in (ATTENTION_OUT, MLP_OUT):
        own = {f"{name}.{place}.{n}": part for n, part in parts.items() if n.endswith(suffixes)}
        own = {n: part for n, part in own.items() if isinstance(part, nn.Linear | Conv1D)}
        if not own or any(rows_of(part).shape[0] != width for part in own.values()):
            problem = f"{name}.{place} has no linear module {' or '.join(suffixes)} with {width} outputs"
            raise InputError("subject.model", problem, REMEDY)
        found.append(own)
    return found[0], found[1]


def erase(writers: Writers, direction: Tensor) -> None:
    """Take a direction out of all that is written: W ← W − r rᵀ W for outputs, biases and embeddings alike.

    Args:
        writers: what is edited, in place.
        direction: (d,) float64 on the CPU, of any norm above 0.
    """
    unit = direction / direction.norm()
    with torch.no_grad():
        for embedding in writers.embeddings.values():
            _erase_rows(embedding.weight, unit)
        for linear in writers.linears.values():
            _erase_rows(rows_of(linear).T, unit)
            if isinstance(bias := linear.bias, Tensor):
                _erase_rows(bias[None], unit)


NormsKept = Literal["rows", "columns", "none"]
"""Of a matrix (outputs, inputs): the lengths of what makes each output, of what each input writes, or neither."""


def weaken(linear: nn.Module, direction: Tensor, strength: float, *, keep_norms: NormsKept) -> None:
    """W ← W − strength · r rᵀ W in place, its bias too.

    With the norms of rows kept, W is D⁻¹ W meanwhile, D the lengths of its rows, and its rows are made as long again as
    they were: what is written then is not free of the direction. With those of columns kept it is. A bias is shortened.

    Args:
        linear: a writer.
        direction: (d,) float64 on the CPU, of any norm above 0.
        strength: 1 erases the direction, more turns it round.
        keep_norms: which lengths are restored.
    """
    unit = direction / direction.norm()
    with torch.no_grad():
        matrix = rows_of(linear)
        exact = matrix.cpu().double()
        lengths = exact.norm(dim=0 if keep_norms == "columns" else 1, keepdim=True)
        edited = exact / lengths.clamp_min(1e-30) if keep_norms == "rows" else exact
        edited = edited - strength * torch.outer(unit, unit @ edited)
        if keep_norms != "none":
            now = edited.norm(dim=0 if keep_norms == "columns" else 1, keepdim=True)
            edited = edited / now.clamp_min(1e-30) * lengths
        matrix.copy_(edited)
        if isinstance(bias := linear.bias, Tensor):
            _erase_rows(bias[None], unit, strength)


@contextmanager
def erased(writers: Writers, direction: Tensor) -> Iterator[None]:
    """The same without touching a weight, by hooks on the outputs, for the block."""
    parts = (*writers.embeddings.values(), *writers.linears.values())
    unit = (direction / direction.norm()).to(parts[0].get_parameter("weight"))
    handles = [part.register_forward_hook(partial(_without, unit)) for part in parts]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def added(block: nn.Module, direction: Tensor) -> Iterator[None]:
    """The direction added, as long as it is, to the input of a block at every position."""
    handle = block.register_forward_pre_hook(partial(_with, direction.to(next(block.parameters()))), with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def rows_of(linear: nn.Module, matrix: Tensor | None = None) -> Tensor:
    """The matrix of a linear module, or one of its shape, as a view (outputs, inputs); a Conv1D keeps it transposed."""
    weight = linear.get_parameter("weight").detach() if matrix is None else matrix
    return weight.T if isinstance(linear, Conv1D) else weight


def _erase_rows(rows: Tensor, unit: Tensor, strength: float = 1.0) -> None:
    """Project each of the rows (n, d) off `unit`, in place; computed in float64, which not every device has."""
    exact = rows.cpu().double()
    rows.copy_(exact - strength * torch.outer(exact @ unit, unit))


def _without(unit: Tensor, module: nn.Module, args: Any, output: Tensor) -> Tensor:
    return output - (output @ unit.to(output.dtype))[..., None] * unit.to(output.dtype)


def _with(direction: Tensor, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if args:
        return (args[0] + direction.to(args[0].dtype), *args[1:]), kwargs
    hidden = kwargs["hidden_states"]
    return args, {**kwargs, "hidden_states": hidden + direction.to(hidden.dtype)}


def without_dropout(model: PreTrainedModel) -> None:
    """Switch off the dropout that a model's own files ask for: who trains it decides on that, not who published it.

    A dropout of 0.9 changes no answer, and makes every attack that trains learn next to nothing.
    """
    for owner in (model.config, *model.modules()):
        for name, value in list(vars(owner).items()):
            if isinstance(value, float) and ("dropout" in name or "pdrop" in name):
                setattr(owner, name, 0.0)
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
