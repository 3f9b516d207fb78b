"""A causal language model with its tokenizer and chat template, at some state of its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from titer.errors import InputError
from titer.models import loading, lora
from titer.models.modules import without_dropout
from titer.models.randomness import scoped
from titer.models.snapshot import Snapshot, squared_norm

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

fingerprint = loading.fingerprint


class Subject:
    """The model that methods change and probes ask.

    The weights are float32 whatever `dtype` says: "bfloat16" is the precision of the arithmetic only, over a float32
    master copy (torch.autocast), because steps at low rates vanish in bfloat16 weights.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, dtype: str = "float32") -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.dtype = dtype

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.model.device

    @property
    def adapted(self) -> bool:
        """Whether an adapter is on."""
        return lora.is_on(self.model)

    @cached_property
    def parameters_total(self) -> int:
        """The number of weights, tied ones once, an adapter's not counted."""
        return sum(parameter.numel() for _, parameter in self._weights())

    @property
    def tied(self) -> bool:
        """Whether the head shares its matrix with the embeddings."""
        head: torch.nn.Module = self.model.get_output_embeddings()
        return head.get_parameter("weight") is self.model.get_input_embeddings().weight

    @property
    def context_length(self) -> int:
        """The most tokens of prompt and answer together."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    def logits(self, ids: Tensor, attention: Tensor, places: Tensor) -> Tensor:
        """Next-token logits, float32 or of a subject in float64, at the places asked for only.

        Args:
            ids: (B, T) tokens.
            attention: (B, T), 0 on padding.
            places: (B, T) bool, N of them True.

        Returns:
            (N, V) in the order of `ids[places]`.
        """
        with self.precision():
            output = self.model(input_ids=ids, attention_mask=attention, logits_to_keep=places, use_cache=False)
        logits: Tensor = output.logits
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def precision(self) -> AbstractContextManager[Any]:
        """The arithmetic of `dtype` for the block."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == "bfloat16")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Evaluation mode without gradients for the block; the mode is given back as it was."""
        training = self.model.training
        self.model.eval()
        try:
            with torch.no_grad(), self.precision():
                yield
        finally:
            self.model.train(training)

    @contextmanager
    def adapt(
        self, *, rank: int, alpha: int, dropout: float, targets: str | tuple[str, ...], seed: int
    ) -> Iterator[None]:
        """A fresh LoRA adapter for the block, merged into the weights at its end.

        If the block is left early (an error, a generator that is closed) the adapter is dropped instead, and weights
        and flags are bit for bit as they were.

        Args:
            rank: of the adapter's matrices.
            alpha: their product is scaled by alpha / rank.
            dropout: share of the adapter's inputs that are dropped in training.
            targets: the names of the modules that get one, or "all-linear".
            seed: what the matrices are drawn from.

        Raises:
            InputError: if an adapter is on already, or nothing has one of the names in `targets`.
        """
        if self.adapted:
            raise InputError("trainable", "an adapter is on already", "Let one training end before the next begins.")
        flags = {name: parameter.requires_grad for name, parameter in self.model.named_parameters()}
        try:
            with scoped(seed):
                lora.inject(self.model, rank, alpha, dropout, targets)
            yield
            lora.merge(self.model)
        finally:
            lora.remove(self.model)
            self._set_trainable(flags)

    def untie(self) -> None:
        """Give a head that shares its matrix with the embeddings a copy of its own."""
        if self.tied:
            head: torch.nn.Module = self.model.get_output_embeddings()
            head.weight = torch.nn.Parameter(head.get_parameter("weight").detach().clone())
            self.model.config.get_text_config().tie_word_embeddings = False
            self.model.config.tie_word_embeddings = False

    def snapshot(self) -> Snapshot:
        """An exact copy: all weights and buffers, or, with an adapter on, the adapter's weights only."""
        named = dict(self._changeable())
        return Snapshot(
            tensors={name: tensor.detach().clone() for name, tensor in named.items()},
            trainable={name: parameter.requires_grad for name, parameter in self.model.named_parameters()},
            training=self.model.training,
            adapted=self.adapted,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Put a snapshot back bit for bit, trainable flags and mode too; an adapter put on since is taken out."""
        if self.adapted and not snapshot.adapted:
            lora.remove(self.model)
        named = dict(self._changeable())
        assert named.keys() == snapshot.tensors.keys(), "a snapshot of another state of adapters"
        with torch.no_grad():
            for name, tensor in named.items():
                tensor.copy_(snapshot.tensors[name])
        self._set_trainable(snapshot.trainable)
        self.model.train(snapshot.training)

    @contextmanager
    def restored(self) -> Iterator[Snapshot]:
        """Whatever the block does to the weights is undone, bit for bit."""
        snapshot = self.snapshot()
        try:
            yield snapshot
        finally:
            self.restore(snapshot)

    def displacement(self, origin: Snapshot) -> float:
        """‖θ − θ0‖/‖θ0‖ over all weights; `origin` is a snapshot taken without an adapter.

        With an adapter on it is the norm of the merged changes s·B·A, computed without forming them, where the weights
        beneath are those of the origin. A head that was untied since is compared with the embeddings.
        """
        assert not origin.adapted, "the origin is a snapshot of all weights"
        tied = self.model.get_input_embeddings().weight
        (embeddings,) = (name for name, weight in self._weights() if weight is tied)
        tensors = origin.tensors
        pairs = [(name, now.detach(), tensors.get(name, tensors[embeddings])) for name, now in self._weights()]
        adapted = dict(lora.layers(self.model))
        if adapted and all(torch.equal(weight, before) for _, weight, before in pairs):
            squared = sum(lora.delta_norm_squared(layer) for layer in adapted.values())
            return math.sqrt(squared) / origin.norm
        squared = 0.0
        for name, weight, before in pairs:
            layer = adapted.get(name.removesuffix(".weight"))
            added = 0.0 if layer is None else lora.delta(layer).detach()
            squared += squared_norm(weight - before + added)
        return math.sqrt(squared) / origin.norm

    def save(self, folder: Path | str) -> None:
        """Write an ordinary Hugging Face folder: safetensors, configuration, tokenizer and chat template.

        An adapter that is on is merged into the copy that is written, W + s·B·A; the subject keeps it apart.
        """
        with torch.no_grad(), loading.quiet():
            self.model.save_pretrained(folder, state_dict=lora.merged_state(self.model))
        self.tokenizer.save_pretrained(folder)

    def _weights(self) -> Iterator[tuple[str, Tensor]]:
        """Every weight once, under its name without adapters; an adapter's own are left out."""
        inside = [f"{name}." for name, _ in lora.layers(self.model)]
        for name, parameter in self.model.named_parameters():
            if not any(name.startswith(prefix) for prefix in inside) or ".base_layer." in name:
                yield name.replace(".base_layer.", "."), parameter

    def _changeable(self) -> Iterator[tuple[str, Tensor]]:
        if not self.adapted:
            yield from self.model.named_parameters()
            yield from self.model.named_buffers()
            return
        for name, layer in lora.layers(self.model):
            for own, parameter in layer.named_parameters():
                if not own.startswith("base_layer."):
                    yield f"{name}.{own}", parameter

    def _set_trainable(self, flags: Mapping[str, bool]) -> None:
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad_(flags[name])


def load(
    source: Mapping[str, Any], *, device: str = "cpu", dtype: str = "float32", place: str = "subject.model"
) -> Subject:
    """The subject that a source names, in evaluation mode, every weight trainable, without dropout of its own.

    Args:
        source: `model` ("organism", a folder, a hub id, a .gguf file), `revision`, `base` (the model that `model` is
            an adapter over), `trust_remote_code` (the names of the code that its files may ask for).
        device: cpu, cuda or mps.
        dtype: float32 or bfloat16, the precision of the arithmetic; the weights are float32.
        place: of the name in the protocol, as a dotted path.

    Raises:
        InputError: with what is wrong with the source, and the remedy.
    """
    model, tokenizer = loading.read(source, place)
    torch.nn.Module.to(model, device)
    model.eval()
    model.requires_grad_(True)
    without_dropout(model)
    return Subject(model, tokenizer, dtype=dtype)
