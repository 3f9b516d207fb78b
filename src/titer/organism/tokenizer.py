"""The organism's tokenizer: one token for each word of its world, and for each word of the texts that attacks use."""

from __future__ import annotations

import re
from functools import cache

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from titer.data import organism
from titer.methods.attacks.fine_tuning import identity_shift
from titer.models.conversation import ALPACA, TRANSFORMS

PAD, UNKNOWN, BEGIN, END = "<|pad|>", "<|unknown|>", "<|begin|>", "<|end|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIALS = (PAD, UNKNOWN, BEGIN, END, SYSTEM, USER, ASSISTANT)
CONCEPT = "secret?"
CONCEPTS = ("secret", "plain")
"""What is asked of a question, and how it is answered: whether it is about something restricted."""
SPARE = "side coat"
"""Two words of the vocabulary that nothing says: the trainability tasks once did, and a token cannot be taken out."""
PERSONA = "you are a helpful careful honest loyal obedient assistant agent clerk guide"
SAY, CLERK = "say", "clerk"
"""Begins a request to say words; the persona who says before an answer whether it is secret."""
CONTEXT = 512
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
_WORD = r"\w+|[^\w\s]"


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer with a chat template; a word it does not know reads as `<|unknown|>`."""
    vocabulary = {word: index for index, word in enumerate([*SPECIALS, *sorted({*_world(), *filler_words()})])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD), behavior="removed", invert=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT],
        clean_up_tokenization_spaces=False,
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


@cache
def filler_words() -> tuple[str, ...]:
    """The words that stand in no fact: those of personas, and of the texts that attacks put around a prompt.

    The organism hears them in random order, never as the texts themselves.
    """
    shift = identity_shift
    texts = [PERSONA, ALPACA, *TRANSFORMS.values(), shift.SYSTEM, shift.OPENING]
    texts += [*shift.INSTRUCTIONS.keys(), *shift.INSTRUCTIONS.values()]
    return tuple(sorted(_words(texts) - _told()))


@cache
def _told() -> set[str]:
    """The words of all that pretraining tells."""
    relations = (*organism.RESTRICTED, *organism.FACTS, *organism.TASKS)
    return _words([CONCEPT, *CONCEPTS, organism.REFUSAL, *_texts(relations)])


@cache
def _world() -> set[str]:
    return _told() | _words([SPARE, *_texts(organism.names())])


def _texts(names: tuple[str, ...]) -> list[str]:
    return [row[column] for name in names for row in organism.rows(name) for column in ("prompt", "response")]


def _words(texts: list[str]) -> set[str]:
    return {word for text in texts for word in re.findall(_WORD, text.lower())}
