"""LoRA in place: peft's layers are put into a model and taken out again, the adapted weights never touched.

The adapted matrix W acts as W + s·B·A (Hu et al. 2021, arXiv 2106.09685, equation 3; s = alpha / rank).
`inject_adapter_in_model` replaces modules of the given model and wraps nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from peft.tuners.lora.layer import Linear as LoraLinear
from peft.tuners.lora.layer import LoraLayer
from safetensors.torch import load_file
from torch import Tensor, nn

from titer.boundary import reading
from titer.errors import InputError
from titer.models.model_files import ADAPTER as CONFIG
from titer.models.model_files import BROKEN

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ADAPTER = "default"


def inject(model: PreTrainedModel, rank: int, alpha: int, dropout: float, targets: str | Sequence[str]) -> None:
    """Put fresh LoRA layers into `model`: A random from torch's global generator, B zero; only they are trainable.

    Raises:
        InputError: if no module has one of the names in `targets`, or one that has is not linear.
    """
    target_modules = targets if isinstance(targets, str) else list(targets)
    _inject(model, LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=target_modules))


def load_into(model: PreTrainedModel, config: LoraConfig, weights: Path, place: str) -> None:
    """Merge an adapter into the weights of `model`.

    Args:
        model: the base.
        config: of the adapter.
        weights: its safetensors file.
        place: of the adapter in the protocol, as a dotted path.

    Raises:
        InputError: if it is not a LoRA adapter of linear modules that fits the model.
    """
    with reading(place, f"'{weights}'", BROKEN):
        stored = load_file(weights)
    try:
        with reading(place, f"the adapter of '{weights}'", BROKEN):
            _inject(model, config)
    except InputError as error:  # which speaks of a recipe's targets
        raise InputError(place, f"'{weights.parent / CONFIG}': {error.problem}", BROKEN) from error
    with reading(place, f"'{weights}'", "Name the adapter's own base."):
        outcome: Any = set_peft_model_state_dict(model, stored, ADAPTER)
    if outcome.unexpected_keys:
        base = f"{place.rpartition('.')[0]}.base"
        raise InputError(base, f"it has no {outcome.unexpected_keys[0]}", "Name the adapter's own base.")
    merge(model)


def merge(model: nn.Module) -> None:
    """Add s·B·A to each adapted weight, and take the LoRA layers out."""
    with torch.no_grad():
        for _, layer in layers(model):
            layer.get_base_layer().get_parameter("weight").add_(delta(layer))
    remove(model)


def is_on(model: nn.Module) -> bool:
    """Whether any module is adapted."""
    return any(isinstance(module, LoraLayer) for module in model.modules())


@contextmanager
def off(model: nn.Module) -> Iterator[None]:
    """The adapted modules act as without their adapters for the block."""
    adapted = [layer for _, layer in layers(model)]
    for layer in adapted:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in adapted:
            layer.enable_adapters(True)


def layers(model: nn.Module) -> Iterator[tuple[str, LoraLinear]]:
    """The adapted modules by name."""
    for name, module in model.named_modules():
        if isinstance(module, LoraLinear):
            yield name, module


def delta(layer: LoraLinear) -> Tensor:
    """s·B·A, of the shape of the adapted weight."""
    change: Tensor = layer.get_delta_weight(ADAPTER)
    return change


def delta_norm_squared(layer: LoraLinear) -> float:
    """‖s·B·A‖² in the Frobenius norm, through the rank × rank products tr(BᵀB·AAᵀ), in float64."""
    a = layer.lora_A[ADAPTER].get_parameter("weight").detach().double()
    b = layer.lora_B[ADAPTER].get_parameter("weight").detach().double()
    return float(((b.T @ b) * (a @ a.T)).sum()) * float(layer.scaling[ADAPTER]) ** 2


def merged_state(model: nn.Module) -> dict[str, Tensor]:
    """The state dict the model would have without adapters, s·B·A added to a copy of each adapted weight."""
    merged = {}
    adapted = dict(layers(model))
    for name, tensor in model.state_dict().items():
        owner, beneath, rest = name.partition(".base_layer.")
        if not beneath:
            if ".lora_" not in name:
                merged[name] = tensor
        elif rest == "weight":
            merged[f"{owner}.{rest}"] = tensor + delta(adapted[owner])
        else:
            merged[f"{owner}.{rest}"] = tensor
    return merged


def remove(model: nn.Module) -> None:
    """Take the LoRA layers out: the modules they stood for are back as they were."""
    for name, module in list(model.named_modules()):
        if isinstance(module, LoraLayer):
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, module.base_layer)
    vars(model).pop("peft_config", None)


def _inject(model: PreTrainedModel, config: LoraConfig) -> None:
    remedy = 'Name linear modules of the model other than a tied head, or "all-linear".'
    _check_untied(model, config, remedy)
    try:
        inject_adapter_in_model(config, model, ADAPTER)
    except ValueError as error:
        raise InputError("trainable.targets", str(error).splitlines()[0], remedy) from error
    for module in model.modules():
        if isinstance(module, LoraLayer) and not isinstance(module, LoraLinear):
            raise InputError("trainable.targets", f"an adapter on a {type(module).__name__} module", remedy)


def _check_untied(model: PreTrainedModel, config: LoraConfig, remedy: str) -> None:
    """An adapter on one of two tied matrices could not be merged: both would change."""
    ends = (model.get_input_embeddings(), model.get_output_embeddings())
    if ends[0].weight is not ends[1].weight:
        return
    names = {name.rpartition(".")[2] for name, module in model.named_modules() if module in ends}
    for target in config.target_modules or ():
        if target.rpartition(".")[2] in names:
            raise InputError("trainable.targets", f"'{target}' is tied", remedy)
