"""What the arguments of a test must be: words that are known, and arrays of one length."""

from collections.abc import Sized
from typing import get_args


def one_of(name: str, given: object, words: object) -> None:
    """Refuse a word that a function does not take: else it would silently mean the other side.

    Args:
        name: the argument.
        given: its value.
        words: the words it takes, as a Literal.

    Raises:
        ValueError: the value is none of the words; all of them are named.

    >>> from typing import Literal
    >>> one_of("items", "Shared", Literal["shared", "own"])
    Traceback (most recent call last):
    ValueError: items must be one of 'shared', 'own', not 'Shared'
    """
    known = get_args(words)
    if given not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, not {given!r}")


def same_length(first: Sized, second: Sized, names: tuple[str, str]) -> None:
    """Refuse two arrays of unequal length.

    Args:
        first: an array.
        second: another one, whose entries belong to those of the first, one by one.
        names: what the arrays have.

    Raises:
        ValueError: the lengths differ; both are named.

    >>> same_length([0, 8], ["intact"], ("doses", "decisions"))
    Traceback (most recent call last):
    ValueError: need as many doses as decisions, not 2 and 1
    """
    if len(first) != len(second):
        raise ValueError(f"need as many {names[0]} as {names[1]}, not {len(first)} and {len(second)}")
