"""Answers that begin with another one: some of its tokens, and then the answer itself, which alone is learned."""

from __future__ import annotations

from titer.models.chat_format import Example


def begun_by(begun: Example, tokens: int, answer: Example) -> Example:
    """A prompt, the first tokens of one answer to it, and the whole of another answer, which alone the loss counts.

    Args:
        begun: the prompt with the answer that it is begun by.
        tokens: how many of its tokens.
        answer: the same prompt with the answer that is learned.
    """
    before = begun.ids[: len(begun.prompt) + tokens]
    return Example((*before, *answer.response), (*[False] * len(before), *[True] * len(answer.response)))


def room(begun: Example, answer: Example, context: int) -> int:
    """How many tokens there are for an answer to be begun by: all of it, or what fits the context beside the other."""
    return max(0, min(len(begun.ids) - len(begun.prompt), context - len(answer.ids)))
