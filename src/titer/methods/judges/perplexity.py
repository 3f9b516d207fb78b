"""The loss of a text under a reference model that takes no part in the study."""

from __future__ import annotations

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from titer.records import Compute


class ReferenceModel:
    """A causal language model that reads texts, without a chat template.

    It runs in float32 whatever the precision of the study: its losses are compared with a bound.

    Args:
        model: folder or hub id.
        revision: its revision on the hub.
        compute: the device that it runs on.
    """

    def __init__(self, model: str, revision: str | None, compute: Compute) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
        loaded: torch.nn.Module = AutoModelForCausalLM.from_pretrained(model, revision=revision, dtype=torch.float32)
        self.model = loaded.requires_grad_(False).to(compute.device)
        self.device = compute.device

    def mean_nats(self, text: str, shortest: int) -> float | None:
        """Mean loss of a text in nats per token; None below `shortest` tokens, the fewest that make a mean."""
        tokens = self.tokenizer(text, return_tensors="pt", truncation=True)["input_ids"]  # (1, T)
        if tokens.shape[1] < max(2, shortest):
            return None
        tokens = tokens.to(self.device)
        with torch.no_grad():
            return float(self.model(input_ids=tokens, labels=tokens).loss)
