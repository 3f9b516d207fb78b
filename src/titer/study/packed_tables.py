"""The two tables of a packed study as files: `cells.parquet`, a row per cell and dose, `scores.parquet`, one per score.

What belongs to the whole study lies in the metadata of the first; the digests of both are leaves of `root.json`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from titer.errors import DamagedError, InputError, RunError
from titer.protocol.schema import Protocol
from titer.records import Record, canonical
from titer.study.atomic_files import write_file
from titer.study.folder import CELLS, SCORES, Frozen
from titer.study.formats import check_format
from titer.study.packed_rows import CellRow, ScoreRow, columns_of
from titer.study.tasks import RunStatus

METADATA: Final = "titer"
"""The key of the metadata of `cells.parquet`: a `PackedStudy` as canonical JSON."""
FORMAT: Final = 2


class PackedStudy(Record):
    """What belongs to the whole of a packed study.

    `titer` is the version that packed it, `name` the name of the study, `failed_makes` why subjects could not be made,
    by key.
    """

    format: Literal[2] = FORMAT
    titer: str
    name: str
    frozen: Frozen
    status: RunStatus
    failed_makes: dict[str, str]

    @property
    def protocol(self) -> Protocol:
        """The protocol as it was when the study was packed: since it began only the name may have changed."""
        begun = self.frozen.protocol
        return begun.model_copy(update={"study": begun.study.model_copy(update={"name": self.name})})


def digest_of(rows: Iterable[CellRow | ScoreRow]) -> str:
    """The SHA-256 of rows, however they are written: each as a line of canonical JSON."""
    found = hashlib.sha256()
    for row in rows:
        found.update(canonical(list(row)).encode() + b"\n")
    return found.hexdigest()


def write_scores(folder: Path, rows: Sequence[ScoreRow]) -> None:
    """Write `scores.parquet`."""
    _write_table(folder / SCORES, columns_of(ScoreRow), rows, {})


def write_cells(folder: Path, rows: Sequence[CellRow], whole: PackedStudy) -> None:
    """Write `cells.parquet`, with what belongs to the whole study."""
    _write_table(folder / CELLS, columns_of(CellRow), rows, {METADATA: whole.to_json()})


def read_whole(folder: Path) -> PackedStudy:
    """What belongs to the whole of a packed study.

    Raises:
        InputError: if one of the two tables is not there, or another titer wrote them.
        DamagedError: if it cannot be read.
    """
    for name in (CELLS, SCORES):
        if not (folder / name).exists():
            remedy = f"{CELLS} and {SCORES} belong together: put the missing one beside the other."
            raise InputError(str(folder / name), "there is no such file", remedy)
    try:
        with (folder / CELLS).open("rb") as file:
            metadata: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
        text = metadata[METADATA.encode()].decode()
    except (OSError, pa.ArrowException, UnicodeDecodeError, KeyError) as error:
        raise damaged(folder / CELLS) from error
    check_format(str(folder / CELLS), text, FORMAT)
    try:
        return PackedStudy.from_json(text)
    except DamagedError as error:
        raise damaged(folder / CELLS) from error


def read_cells(folder: Path) -> tuple[CellRow, ...]:
    """The rows of `cells.parquet`, in their order.

    Raises:
        DamagedError: if the file cannot be read.
    """
    return tuple(CellRow(*values) for values in _read_table(folder / CELLS, columns_of(CellRow)))


def read_scores(folder: Path) -> tuple[ScoreRow, ...]:
    """The rows of `scores.parquet`, in their order.

    Raises:
        DamagedError: if the file cannot be read.
    """
    return tuple(ScoreRow(*values) for values in _read_table(folder / SCORES, columns_of(ScoreRow)))


def damaged(path: Path) -> DamagedError:
    """What is said of a file of a packed study that is not what was packed."""
    said = f"{path} is damaged or was changed since the study was packed"
    return DamagedError(f"{said}. Fetch the pack again, or pack its study anew")


def _write_table(path: Path, columns: pa.Schema, rows: Sequence[tuple[Any, ...]], metadata: Mapping[str, str]) -> None:
    """The same rows give the same bytes, whatever the day or the machine."""
    how: dict[str, Any] = {"compression": "zstd", "compression_level": 19}
    try:
        arrays = [pa.array([row[place] for row in rows], field.type) for place, field in enumerate(columns)]
    except OverflowError as error:
        raise RunError(f"cannot write {path}: a number needs more than 64 bits") from error
    table = pa.Table.from_arrays(arrays, schema=columns)

    def fill(temporary: Path) -> None:
        with temporary.open("wb") as file, pq.ParquetWriter(file, columns, store_schema=False, **how) as writer:
            writer.write_table(table)
            writer.add_key_value_metadata(dict(metadata))

    write_file(path, fill)


def _read_table(path: Path, columns: pa.Schema) -> list[tuple[Any, ...]]:
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file).read()
        if table.schema.remove_metadata() != columns:
            raise damaged(path)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise damaged(path) from error
