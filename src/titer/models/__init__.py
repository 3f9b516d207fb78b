"""A causal language model with its tokenizer and chat template: loading, asking, and what is inside."""

from titer.models.generation import generate, log_likelihoods
from titer.models.modules import blocks, matrices, writers
from titer.models.randomness import scoped
from titer.models.subject import Subject, load

__all__ = [
    "Subject",
    "blocks",
    "generate",
    "load",
    "log_likelihoods",
    "matrices",
    "scoped",
    "writers",
]
