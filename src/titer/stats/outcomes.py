"""What evaluations say of items, as arrays: 0 or 1, or numbers; None, NaN, NA and masked entries are missing.

The tests that take arrays read them here, so that all of them mean the same by missing, and none drops it.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from numbers import Real

import numpy as np
import numpy.typing as npt

from titer.stats.tango import FloatArray

Outcomes = (
    npt.ArrayLike
    | Sequence[float | None]
    | Sequence[Sequence[float | None]]
    | Sequence[Sequence[Sequence[float | None]]]
)
"""Numbers in any array or nested sequence; None, NaN and pandas' NA are missing, and so are masked entries."""


def outcomes_of(counts: npt.ArrayLike, items: int, missing: npt.ArrayLike = 0) -> FloatArray:
    """Items with given counts of ones, for tests of what is known by its counts alone; their order means nothing.

    Args:
        counts: items that are 1, any shape.
        items: all items (n).
        missing: missing items, of a shape that fits.

    Returns:
        Ones, then missing items, then zeros, shape [*counts, items].

    >>> outcomes_of([2, 0], items=4, missing=[1, 0])
    array([[ 1.,  1., nan,  0.],
           [ 0.,  0.,  0.,  0.]])
    """
    ones, unknown = np.asarray(counts), np.asarray(missing)
    if ones.dtype.kind not in "iu" or unknown.dtype.kind not in "iu":
        raise ValueError(f"counts must be whole numbers, none of them missing, not {ones.dtype} and {unknown.dtype}")
    if items < 1 or (ones < 0).any() or (unknown < 0).any() or (ones + unknown > items).any():
        raise ValueError(f"need counts and missing >= 0, together at most the {items} items")
    place, end = np.arange(items), (ones + unknown)[..., None]
    return np.where(place < ones[..., None], 1.0, np.where(place < end, np.nan, 0.0))


def read_binary(values: Outcomes, *, dimensions: tuple[int, ...] = (1,)) -> FloatArray:
    """Items as 0, 1 and NaN, refusing any other value."""
    found = read_numbers(values, dimensions=dimensions)
    if not np.isin(found[~np.isnan(found)], (0, 1)).all():
        raise ValueError("items must be 0 or 1 (or bools), or None, NaN or NA where they are missing")
    return found


def read_flags(values: Outcomes) -> list[bool | None]:
    """Items in one dimension as True, False and None."""
    return [None if math.isnan(value) else bool(value) for value in read_binary(values)]


def read_numbers(values: Outcomes, *, dimensions: tuple[int, ...] = (1,)) -> FloatArray:
    """Finite numbers in one of these numbers of dimensions, NaN where they are missing."""
    raw = np.asarray(_unmasked(values))
    if raw.dtype.kind not in "biufO":
        raise ValueError(f"items must be numbers, not {raw.dtype}")
    if raw.dtype.kind == "O":
        found = np.array([_number(value) for value in raw.flat], dtype=np.float64).reshape(raw.shape)
    else:
        found = raw.astype(np.float64)
    if found.ndim not in dimensions or found.size == 0 or np.isinf(found).any():
        wanted = " or ".join(map(str, dimensions))
        raise ValueError(f"items must be finite numbers in {wanted} dimension(s), not of shape {found.shape}")
    return found


def _unmasked(values: object) -> object:
    """None for every masked entry; numpy would read what lies under the mask."""
    if isinstance(values, np.ma.MaskedArray):
        return values.tolist()
    return [_unmasked(value) for value in values] if isinstance(values, list | tuple) else values


def _number(value: object) -> float:
    if _is_missing(value):
        return math.nan
    if not isinstance(value, Real | Decimal | np.bool_):
        raise ValueError(f"items must be numbers, not {type(value).__name__}")
    return float(value)


def _is_missing(value: object) -> bool:
    """None, and whatever is not equal to itself (NaN) or cannot say so: pandas' NA has no truth value."""
    try:
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:
        return True


def table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Names and values in two columns under a title."""
    wide = max(len(name) for name, _ in rows)
    return "\n".join([title, "-" * len(title), *(f"{name:<{wide}}  {value}" for name, value in rows)])
