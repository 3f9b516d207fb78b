"""What evaluations say of items, as arrays: 0 or 1, or numbers; None, NaN and masked entries are missing.

The tests that take arrays read them here, so that all of them mean the same by missing, and none drops it.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from titer.stats.tango import FloatArray

Outcomes = (
    npt.ArrayLike
    | Sequence[float | None]
    | Sequence[Sequence[float | None]]
    | Sequence[Sequence[Sequence[float | None]]]
)
"""Numbers in any array or nested sequence; None and NaN are missing, and so are masked entries."""


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
    if items < 1 or (ones < 0).any() or (unknown < 0).any() or (ones + unknown > items).any():
        raise ValueError(f"need counts and missing >= 0, together at most the {items} items")
    place, end = np.arange(items), (ones + unknown)[..., None]
    return np.where(place < ones[..., None], 1.0, np.where(place < end, np.nan, 0.0))


def read_binary(values: Outcomes, *, dimensions: int) -> FloatArray:
    """Items as 0, 1 and NaN, refusing any other value."""
    found = read_numbers(values, dimensions=dimensions)
    if not np.isin(found[~np.isnan(found)], (0, 1)).all():
        raise ValueError("items must be 0 or 1 (or bools), or None or NaN where they are missing")
    return found


def read_numbers(values: Outcomes, *, dimensions: int) -> FloatArray:
    """Finite numbers, NaN where they are missing."""
    raw = np.asarray(values)
    if raw.dtype.kind not in "biufO" or any(isinstance(value, str) for value in raw.flat):
        raise ValueError(f"items must be numbers, not {raw.dtype}")
    found = raw.astype(np.float64)
    if isinstance(values, np.ma.MaskedArray):
        found = np.where(np.ma.getmaskarray(values), np.nan, found)
    if found.ndim != dimensions or found.size == 0 or np.isinf(found).any():
        raise ValueError(f"need finite numbers in {dimensions} dimension(s), not shape {found.shape}")
    return found


def table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """Names and values in two columns under a title."""
    wide = max(len(name) for name, _ in rows)
    return "\n".join([title, "-" * len(title), *(f"{name:<{wide}}  {value}" for name, value in rows)])
