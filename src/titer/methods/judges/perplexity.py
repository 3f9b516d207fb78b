"""The loss of a text under a reference model that takes no part in the study."""

from __future__ import annotations

from functools import cache
from typing import Any


def mean_nats(text: str, reference: str, revision: str | None, shortest: int) -> float | None:
    """Mean loss of `text` under `reference`, in nats per token; None below `shortest` tokens.

    Args:
        text: what is read; without chat template.
        reference: folder or hub id of a causal language model, run in float32 on the processor.
        revision: its revision on the hub.
        shortest: the fewest tokens that make a mean.
    """
    import torch

    tokenizer, model = _loaded(reference, revision)
    tokens = tokenizer(text, return_tensors="pt", truncation=True)["input_ids"]  # (1, T)
    if tokens.shape[1] < max(2, shortest):
        return None
    with torch.no_grad():
        return float(model(input_ids=tokens, labels=tokens).loss)


@cache
def _loaded(reference: str, revision: str | None) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(reference, revision=revision)
    model = AutoModelForCausalLM.from_pretrained(reference, revision=revision, dtype=torch.float32)
    model.requires_grad_(False)
    return tokenizer, model
