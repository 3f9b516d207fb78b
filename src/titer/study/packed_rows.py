"""The rows of a packed study, a type for each of its two tables: what docs/concepts/packed-results.md explains."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType
from typing import Any, Final, NamedTuple, get_args, get_type_hints

import pyarrow as pa


class CellRow(NamedTuple):
    """A cell at one dose; what was read there is None, `dose` too, where a cell was asked at none.

    `configuration`, `loss_tokens`, `terms`, `environment` and `spec` are records as canonical JSON. `spec` is the whole
    cell as it was planned, from which the columns before `failure` are taken.
    """

    cell: str
    purpose: str
    subject: str
    model: str
    domain: str | None
    task: str | None
    attack: str
    trial: int | None
    seed: int
    ladder: Sequence[int]
    configuration: str | None
    failure: str | None
    unmade: str | None
    spec: str
    dose: int | None = None
    spent_examples: int | None = None
    spent_tokens: int | None = None
    spent_flops: int | None = None
    displacement: float | None = None
    loss_tokens: str | None = None
    terms: str | None = None
    rows_used: int | None = None
    order: str | None = None
    template_train: str | None = None
    template_probe: str | None = None
    environment: str | None = None


class ScoreRow(NamedTuple):
    """What one judge says of one answer, and all of the answer but its text."""

    cell: str
    purpose: str
    subject: str
    domain: str | None
    task: str | None
    attack: str
    trial: int | None
    seed: int
    dose: int
    probe: str
    role: str
    kind: str
    judge: str
    item: str
    value: float | None
    missing: str | None
    ended: str | None
    option_nats: Sequence[float] | None
    option_tokens: Sequence[int] | None
    text_digest: str | None


TYPES: Final[dict[Any, pa.DataType]] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    Sequence[int]: pa.list_(pa.int64()),
    Sequence[float]: pa.list_(pa.float64()),
}
"""The type of a column by the type of a field. Plain ones, so that every reader of Parquet gets the same."""


def columns_of(row: type[CellRow] | type[ScoreRow]) -> pa.Schema:
    """The columns of a table: a field that may be None is one that may be null.

    >>> columns_of(ScoreRow).field("value"), columns_of(ScoreRow).field("item").nullable
    (pyarrow.Field<value: double>, False)
    """
    fields = []
    for name, hint in get_type_hints(row).items():
        optional = NoneType in get_args(hint)
        kind = next(one for one in get_args(hint) if one is not NoneType) if optional else hint
        fields.append(pa.field(name, TYPES[kind], nullable=optional))
    return pa.schema(fields)
