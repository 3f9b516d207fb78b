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

from titer.boundary import open_file
from titer.errors import DamagedError, InputError, RunError
from titer.protocol.schema import Protocol
from titer.protocol.validation import MOST_DOSES
from titer.records import Record, canonical
from titer.study.atomic_files import write_file
from titer.study.folder import CELLS, SCORES, Frozen
from titer.study.formats import check_format
from titer.study.packed_rows import CellRow, ScoreRow, columns_of
from titer.study.tasks import CellSpec, RunStatus

METADATA: Final = "titer"
"""The key of the metadata of `cells.parquet`: a `PackedStudy` as canonical JSON."""
FORMAT: Final = 2
MOST_CELL_ROWS: Final = 2 * MOST_DOSES
"""The most rows of `cells.parquet`: doses of replicates that took the place of others count, too."""
LONGEST_LIST: Final = 200
"""The most options of an item, or doses of a ladder, on average over all rows."""
LARGEST: Final = 2**30
"""The most bytes of a table before they were compressed: its rows are held in memory."""


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
        with open_file(folder / CELLS) as file:
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
        DamagedError: if the file cannot be read, or has more rows than a protocol can ask for doses.
    """
    return tuple(CellRow(*values) for values in _read_table(folder / CELLS, columns_of(CellRow), MOST_CELL_ROWS))


def read_scores(folder: Path, most: int) -> tuple[ScoreRow, ...]:
    """The rows of `scores.parquet`, in their order.

    Args:
        folder: that of the packed study.
        most: how many scores its cells can have.

    Raises:
        DamagedError: if the file cannot be read, or has more rows.
    """
    return tuple(ScoreRow(*values) for values in _read_table(folder / SCORES, columns_of(ScoreRow), most))


def most_scores(whole: PackedStudy, cells: Iterable[CellRow]) -> int:
    """How many scores there can be of answers at these doses: one of each item, by each judge that reads there.

    Args:
        whole: what belongs to the whole study.
        cells: the rows of its cells.

    Raises:
        DamagedError: if a cell is none.
        KeyError: if a judge reads what is not asked.
    """
    frozen, most = whole.frozen, 0
    judges = {text: frozen.judges_of(CellSpec.from_json(text)) for text in {row.spec for row in cells}}
    for row in cells:
        if row.dose is not None:
            asked = (judge for judge in judges[row.spec] if judge.asked.at(row.dose))
            most += sum(len(frozen.item_ids[judge.probe]) for judge in asked)
    return most


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


def _read_table(path: Path, columns: pa.Schema, most: int) -> list[tuple[Any, ...]]:
    """The rows of a table whose metadata says that it has no other columns and no more than `most` rows."""
    texts = [field.name for field in columns if field.type == pa.string()]
    try:
        with open_file(path) as file:
            _check_extent(path, pq.read_metadata(file), columns, most)
            table = pq.ParquetFile(file, read_dictionary=texts).read()
        return list(zip(*map(_values, table.columns), strict=True))
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise damaged(path) from error


def _check_extent(path: Path, said: pq.FileMetaData, columns: pa.Schema, most: int) -> None:
    """A few kilobytes may say that they are millions of rows: this is looked at before any of them is read."""
    if said.schema.to_arrow_schema().remove_metadata() != columns:
        raise damaged(path)
    groups = [said.row_group(number) for number in range(said.num_row_groups)]
    rows = sum(group.num_rows for group in groups)
    chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
    values = max((chunk.num_values for chunk in chunks), default=0)
    size = sum(chunk.total_uncompressed_size for chunk in chunks)
    found = {"rows": (max(rows, said.num_rows), most), "values in a column": (values, most * LONGEST_LIST)}
    for what, (number, bound) in {**found, "bytes": (size, LARGEST)}.items():
        if number > bound:
            problem = f"{path} is damaged: it says that it has {number:,} {what}, and its study can have {bound:,}"
            raise DamagedError(f"{problem}. Fetch the pack again, or pack its study anew")


def _values(column: pa.ChunkedArray) -> list[Any]:
    """The values of a column; equal texts are one object, or a long one that is repeated would fill the memory."""
    values: list[Any] = []
    for chunk in column.chunks:
        if isinstance(chunk, pa.DictionaryArray):
            texts = chunk.dictionary.to_pylist()
            values += [None if place is None else texts[place] for place in chunk.indices.to_pylist()]
        else:
            values += chunk.to_pylist()
    return values
