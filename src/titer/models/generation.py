"""Batched generation, greedy or sampled, and batched log-likelihood; none touches the weights or the training mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from titer.heartbeat import beat
from titer.models.chat_format import Example, pad_batch, pad_token, stop_tokens

if TYPE_CHECKING:
    from titer.models.subject import Subject

ENGINE = 1
"""Raised by hand when generated tokens or likelihoods change."""


@dataclass(frozen=True)
class Generated:
    """What the subject said: the text without its end of turn, the tokens with it, and whether it stopped by itself."""

    text: str
    ended: Literal["stop", "length"]
    tokens: tuple[int, ...]


def generate(
    subject: Subject,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    batch: int,
    seeds: Sequence[int] | None = None,
) -> list[Generated]:
    """Answers to the prompts, in their order: greedy, or sampled at temperature 1.

    Whatever the model's generation configuration asks for (sampling, penalties, forced tokens) is left aside but for
    the tokens that end an answer.

    Args:
        subject: the model asked.
        prompts: tokens of each prompt.
        max_new_tokens: the most tokens of an answer.
        batch: prompts decoded together; part of the environment, since padding changes last bits.
        seeds: one for each answer, which is sampled with it and with nothing else, whatever it is decoded with; None
            for greedy answers.
    """
    if not prompts:
        return []
    own = subject.model.generation_config.eos_token_id
    stops = {*stop_tokens(subject.tokenizer), *([] if own is None else [own] if isinstance(own, int) else own)}
    pad = pad_token(subject.tokenizer)
    config = GenerationConfig(
        do_sample=False, max_new_tokens=max_new_tokens, pad_token_id=pad, eos_token_id=sorted(stops) or None
    )
    answers: list[Generated | None] = [None] * len(prompts)
    with subject.reading(), _configured(subject, config):
        for chosen in _by_length([len(prompt) for prompt in prompts], batch):
            ids, attention = _pad_left([prompts[place] for place in chosen], pad, subject.device)
            drawn = (
                [] if seeds is None else [_Sampled([seeds[place] for place in chosen], ids.shape[1], max_new_tokens)]
            )
            output = cast(Any, subject.model).generate(
                input_ids=ids, attention_mask=attention, logits_processor=LogitsProcessorList([_Beating(), *drawn])
            )
            for place, new in zip(chosen, output[:, ids.shape[1] :].tolist(), strict=True):
                answers[place] = _generated(subject, new, stops)
    return [answer for answer in answers if answer is not None]


def log_likelihoods(
    subject: Subject, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], batch: int
) -> list[tuple[float, int]]:
    """Per (prompt, option) the summed log-probability of the option's tokens in nats, and their number.

    Args:
        subject: the model asked.
        pairs: tokens of the prompt and of the option that follows it; neither is empty.
        batch: pairs computed together.
    """
    examples = [
        Example((*prompt, *option), (*[False] * len(prompt), *[True] * len(option))) for prompt, option in pairs
    ]
    found: list[tuple[float, int]] = [(0.0, 0)] * len(pairs)
    pad = pad_token(subject.tokenizer)
    with subject.reading():
        for chosen in _by_length([len(example.ids) for example in examples], batch):
            beat()
            padded = pad_batch([examples[place] for place in chosen], pad, subject.device)
            counts = padded.mask[:, 1:]
            places = torch.nn.functional.pad(counts, (0, 1))
            logits = subject.logits(padded.ids, padded.attention, places)
            nats = -torch.nn.functional.cross_entropy(logits, padded.ids[:, 1:][counts], reduction="none")
            per_pair = torch.split(nats, counts.sum(1).tolist())
            for place, tokens in zip(chosen, per_pair, strict=True):
                found[place] = (float(tokens.double().sum()), len(tokens))
    return found


class _Beating(LogitsProcessor):
    """Beats at each token, and leaves the scores as they are."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        beat()
        return scores


class _Sampled(LogitsProcessor):
    """Leaves one token of each answer: the first whose cumulated probability exceeds the answer's uniform number."""

    def __init__(self, seeds: Sequence[int], width: int, length: int) -> None:
        drawn = [
            torch.rand(length, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in seeds
        ]
        self.uniform = torch.stack(drawn)
        self.width = width

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        cumulated = scores.float().softmax(-1).cpu().double().cumsum(-1)
        aimed = self.uniform[:, input_ids.shape[1] - self.width, None] * cumulated[:, -1:]
        token = torch.searchsorted(cumulated, aimed, right=True).clamp(max=scores.shape[-1] - 1)
        return torch.full_like(scores, -torch.inf).scatter(1, token.to(scores.device), 0.0)


def _by_length(lengths: Sequence[int], batch: int) -> Iterator[list[int]]:
    """Places in batches of like length, the longest first, so that little is padding."""
    order = sorted(range(len(lengths)), key=lambda place: (-lengths[place], place))
    for start in range(0, len(order), batch):
        yield order[start : start + batch]


def _pad_left(prompts: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(B, T) tokens and attention, every prompt ending in the last column."""
    length = max(len(prompt) for prompt in prompts)
    ids = [[*[pad] * (length - len(prompt)), *prompt] for prompt in prompts]
    attention = [[0] * (length - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(attention, device=device)


@contextmanager
def _configured(subject: Subject, config: GenerationConfig) -> Iterator[None]:
    """`generate` fills every value left open from the model's own configuration, so that is what must be exchanged."""
    own = subject.model.generation_config
    subject.model.generation_config = config
    try:
        yield
    finally:
        subject.model.generation_config = own


def _generated(subject: Subject, new: list[int], stops: set[int]) -> Generated:
    end = next((place for place, token in enumerate(new) if token in stops), None)
    text = subject.tokenizer.decode(
        new if end is None else new[:end], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    tokens = new if end is None else new[: end + 1]
    return Generated(str(text), "length" if end is None else "stop", tuple(tokens))
