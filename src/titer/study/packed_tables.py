"""The two tables of a packed study as files: `cells.parquet`, a row per cell and dose, `scores.parquet`, one per score.

What belongs to the whole study lies in the metadata of the first, with the digest of the second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from titer.errors import DamagedError, InputError, RunError
from titer.protocol.schema import Protocol
from titer.records import Record, digest
from titer.study.atomic_files import writing
from titer.study.folder import CELLS, SCORES, Frozen
from titer.study.packed_rows import CellRow, ScoreRow, columns_of
from titer.study.tasks import RunStatus

METADATA, CHECKSUM = "titer", "titer.sha256"
"""The keys of the metadata of `cells.parquet`: a `PackedStudy` as canonical JSON, and the SHA-256 of that."""


class PackedStudy(Record):
    """What belongs to the whole of a packed study.

    `name` is the name of the study, `failed_makes` why subjects could not be made, by key, `cells` the digest of the
    rows of `cells.parquet`, and `scores` the SHA-256 of the `scores.parquet` that lies beside.
    """

    format: Literal[1] = 1
    name: str
    frozen: Frozen
    status: RunStatus
    failed_makes: dict[str, str]
    cells: str
    scores: str

    @property
    def protocol(self) -> Protocol:
        """The protocol as it was when the study was packed: since it began only the name may have changed."""
        begun = self.frozen.protocol
        return begun.model_copy(update={"study": begun.study.model_copy(update={"name": self.name})})


def write_scores(folder: Path, rows: Sequence[ScoreRow]) -> str:
    """Write `scores.parquet`; its SHA-256."""
    _write_table(folder / SCORES, columns_of(ScoreRow), rows, {})
    return _sha256((folder / SCORES).read_bytes())


def digest_of(rows: Sequence[CellRow]) -> str:
    """The digest of rows, however they are written."""
    return digest([list(row) for row in rows])


def write_cells(folder: Path, rows: Sequence[CellRow], whole: PackedStudy) -> None:
    """Write `cells.parquet`, with what belongs to the whole study."""
    text = whole.to_json()
    metadata = {METADATA: text, CHECKSUM: _sha256(text.encode())}
    _write_table(folder / CELLS, columns_of(CellRow), rows, metadata)


def read_whole(folder: Path) -> PackedStudy:
    """What belongs to the whole of a packed study.

    Raises:
        InputError: if one of the two tables is not there.
        DamagedError: if it is not what was written.
    """
    for name in (CELLS, SCORES):
        if not (folder / name).exists():
            remedy = f"{CELLS} and {SCORES} belong together: put the missing one beside the other."
            raise InputError(str(folder / name), "there is no such file", remedy)
    try:
        metadata: dict[bytes, bytes] = pq.read_metadata(folder / CELLS).metadata or {}
        text, checksum = (metadata[key.encode()].decode() for key in (METADATA, CHECKSUM))
    except (OSError, pa.ArrowException, UnicodeDecodeError, KeyError) as error:
        raise _damaged(folder / CELLS) from error
    if _sha256(text.encode()) != checksum:
        raise _damaged(folder / CELLS)
    return PackedStudy.from_json(text)


def read_cells(folder: Path, whole: PackedStudy) -> tuple[CellRow, ...]:
    """The rows of `cells.parquet`, in their order.

    Raises:
        DamagedError: if the file is not what was written.
    """
    rows = tuple(CellRow(*values) for values in _read_table(folder / CELLS, columns_of(CellRow)))
    if digest_of(rows) != whole.cells:
        raise _damaged(folder / CELLS)
    return rows


def read_scores(folder: Path, whole: PackedStudy) -> tuple[ScoreRow, ...]:
    """The rows of `scores.parquet`, in their order.

    Raises:
        DamagedError: if the file is not the one that was written with `cells.parquet`.
    """
    if _sha256((folder / SCORES).read_bytes()) != whole.scores:
        raise _damaged(folder / SCORES)
    return tuple(ScoreRow(*values) for values in _read_table(folder / SCORES, columns_of(ScoreRow)))


def _write_table(path: Path, columns: pa.Schema, rows: Sequence[tuple[Any, ...]], metadata: Mapping[str, str]) -> None:
    """The same rows give the same bytes, whatever the day or the machine."""
    how: dict[str, Any] = {"compression": "zstd", "compression_level": 19}
    try:
        arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(columns)]
    except OverflowError as error:
        raise RunError(f"cannot write {path}: a number needs more than 64 bits") from error
    with writing(path), pq.ParquetWriter(path, columns, store_schema=False, **how) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=columns))
        writer.add_key_value_metadata(dict(metadata))


def _read_table(path: Path, columns: pa.Schema) -> list[tuple[Any, ...]]:
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        if table.schema.remove_metadata() != columns:
            raise _damaged(path)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _damaged(path) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _damaged(path: Path) -> DamagedError:
    return DamagedError(f"{path} is damaged, or not what was packed together with the other table. Pack the study anew")
