"""What is said before a defense whose harmful loss nothing bounds is run."""

from __future__ import annotations

import math


def notice(name: str, clamp: float | None, vocabulary: int) -> tuple[str, ...]:
    """A sentence, where a loss that is raised may rise above that of a guess among all tokens.

    Args:
        name: of the defense.
        clamp: the nats per token above which the loss is not raised any more; None where it always is.
        vocabulary: how many tokens the subject knows.
    """
    guess = math.log(vocabulary)
    if clamp is not None and clamp <= guess:
        return ()
    limit = "without a clamp" if clamp is None else f"with a clamp of {clamp:g} nats"
    return (
        f"{name} {limit} may train the subject to be surely wrong on harmful rows: a guess among "
        f"{vocabulary:,} tokens has a loss of {guess:.2f}. Set clamp to that or less, unless this is meant.",
    )
