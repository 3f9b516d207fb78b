"""A packed study, read back: what became of its cells, or a study folder with a store, from which it can go on.

The root digest binds what its tables say. Their bytes depend on the library that wrote them, and are bound by
SHA256SUMS, which `sha256sum -c SHA256SUMS` reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from titer.boundary import read_bytes
from titer.data.identifiers import ProbeId
from titer.errors import DamagedError
from titer.records import Answer, DoseFacts, Score
from titer.study.atomic_files import no_link, write_text, write_whole
from titer.study.folder import CELLS, FROZEN, PROTOCOL, SCORES, read_protocol, read_study
from titer.study.leaves import BEGUN, ENDED, PACKED_CELLS, PACKED_SCORES, ended_leaf, frozen_leaf
from titer.study.packed_rows import CellRow, ScoreRow
from titer.study.packed_tables import PackedStudy, damaged, digest_of, most_scores, read_cells, read_scores, read_whole
from titer.study.root import ROOT, Root, frozen_text, read_root
from titer.study.salt import Salt
from titer.study.store import Store
from titer.study.store_place import PACKED_STORE
from titer.study.tasks import CellSpec
from titer.study.view import CellResults, Values

SUMS = "SHA256SUMS"
ANEW = "Fetch the pack again, or pack its study anew"
LISTED = (CELLS, PROTOCOL, ROOT, SCORES)
"""What a packed study is read from; its report is compared with what is reported anew."""


@dataclass(frozen=True)
class Packed:
    """A packed study as it was read: what belongs to the whole of it, the rows of its two tables, and its digests."""

    whole: PackedStudy
    cells: tuple[CellRow, ...]
    scores: tuple[ScoreRow, ...]
    root: Root

    @cached_property
    def specs(self) -> tuple[CellSpec, ...]:
        """The cells as they were planned, in order."""
        return tuple(CellSpec.from_json(text) for text in dict.fromkeys(row.spec for row in self.cells))

    @cached_property
    def scores_by_key(self) -> Mapping[tuple[str, int], tuple[ScoreRow, ...]]:
        """The scores of each judge at each dose, under the key that they have in a store.

        A cell that was planned for two purposes has its rows for each of them, and they are the same.
        """
        judges = (judge for spec in self.specs for judge in self.whole.frozen.judges_of(spec))
        keys = {(judge.cell, judge.probe, judge.role): judge.key for judge in judges}
        found: dict[tuple[str, int], dict[str, ScoreRow]] = {}
        for row in self.scores:
            key = keys[row.cell, ProbeId(row.probe), row.role]
            found.setdefault((key, row.dose), {}).setdefault(row.item, row)
        return {where: tuple(rows.values()) for where, rows in found.items()}


class PackedResults(CellResults):
    """What became of the cells of a packed study."""

    def __init__(self, packed: Packed) -> None:
        self._scores = packed.scores_by_key
        self._facts = {(row.cell, row.dose): row for row in packed.cells if row.dose is not None}
        self._failures = {**{row.cell: row.failure for row in packed.cells}, **packed.whole.failed_makes}
        self._answered, self._scored = _doses_by_key(self._facts), _doses_by_key(self._scores)

    def check(self) -> None:
        """Read all facts, which are read one by one else."""
        for row in self._facts.values():
            _facts_of(row)

    def failure(self, key: str) -> str | None:
        """Why the method of a node failed by its own doing, or None."""
        return self._failures.get(key)

    def answered(self, cell: str) -> frozenset[int]:
        """The doses at which a cell was asked."""
        return self._answered.get(cell, frozenset())

    def scored(self, key: str) -> frozenset[int]:
        """The doses at which a judge has read a cell."""
        return self._scored.get(key, frozenset())

    def values(self, key: str, dose: int) -> Values:
        """The values of the scores of one judge at one dose."""
        return tuple(row.value for row in self._scores[key, dose])

    def facts(self, cell: str, dose: int) -> DoseFacts:
        """The facts of a cell at one dose."""
        return _facts_of(self._facts[cell, dose])


def read_packed(folder: Path) -> Packed:
    """A packed study, all of which was compared with its root digest; needs neither its store nor its sources.

    Raises:
        InputError: if one of its files is not there, or another titer wrote them.
        DamagedError: if one is not what was written.
    """
    whole, root = read_whole(folder), read_root(folder)
    check_sums(folder)
    cells = read_cells(folder)
    try:
        most = most_scores(whole, cells)
    except (KeyError, DamagedError) as error:
        raise damaged(folder / CELLS) from error
    packed = Packed(whole, cells, read_scores(folder, most), root)
    protocol = read_protocol(folder)
    found = {
        (PROTOCOL, PROTOCOL): protocol.digest,
        (CELLS, BEGUN): frozen_leaf(whole.frozen, Salt(None))[BEGUN],
        (CELLS, ENDED): ended_leaf(whole.status, whole.failed_makes)[ENDED],
        (CELLS, PACKED_CELLS): digest_of(packed.cells),
        (SCORES, PACKED_SCORES): digest_of(packed.scores),
    }
    for (file, name), one in found.items():
        if root.leaves.get(name) != one:
            raise damaged(folder / file)
    if whole.protocol != protocol:
        raise damaged(folder / PROTOCOL)
    try:
        PackedResults(packed).check()
    except (KeyError, ValueError, TypeError, DamagedError) as error:  # well-formed tables that no study was packed as
        raise damaged(folder / CELLS) from error
    return packed


def unpack(folder: Path) -> None:
    """Make a packed study a study folder, with a store in it, so that its cells count as done when it is run.

    Answers have the digest of their text in its place, and items that of their id: they cannot be judged again. Frozen
    rows and items are read from their sources when the study is run.

    Raises:
        InputError: if its protocol was changed since it was packed.
        DamagedError: if one of its tables is not what was written.
    """
    packed = read_packed(folder)
    write_whole(folder / PACKED_STORE, lambda root: _fill(Store(root), packed))
    write_text(folder / FROZEN, frozen_text(packed.whole.frozen))
    read_study(folder).keep_plan(packed.specs, packed.whole.status)


def _doses_by_key(nodes: Iterable[tuple[str, int]]) -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for key, dose in nodes:
        found.setdefault(key, set()).add(dose)
    return {key: frozenset(doses) for key, doses in found.items()}


def _facts_of(row: CellRow) -> DoseFacts:
    spent = {"examples": row.spent_examples, "tokens": row.spent_tokens, "flops": row.spent_flops}
    columns = row._asdict()
    records = {name: json.loads(columns[name]) for name in ("loss_tokens", "terms", "environment")}
    plain = {name: columns[name] for name in DoseFacts.model_fields if name not in ("spent", *records)}
    return DoseFacts.model_validate({**plain, **records, "spent": spent})


def _fill(store: Store, packed: Packed) -> None:
    store.claim()
    for (key, dose), scores in packed.scores_by_key.items():
        store.write_scores(key, dose, [Score(item=row.item, value=row.value, missing=row.missing) for row in scores])
    answers = _answers(packed.scores)
    for row in packed.cells:
        if row.dose is not None:
            store.write_answers(row.cell, _facts_of(row), answers.get((row.cell, row.dose), ()))
        if row.failure is not None:
            store.write_failure(row.cell, row.failure)
    for key, reason in packed.whole.failed_makes.items():
        store.write_failure(key, reason)


def _answers(scores: Iterable[ScoreRow]) -> Mapping[tuple[str, int], tuple[Answer, ...]]:
    """The answers of each cell and dose, in the order in which they were asked; an answer has a row for each judge."""
    found: dict[tuple[str, int], dict[tuple[str, str], Answer]] = {}
    for row in scores:
        asked = found.setdefault((row.cell, row.dose), {})
        if (row.probe, row.item) not in asked:
            asked[row.probe, row.item] = _answer(row)
    return {where: tuple(answers.values()) for where, answers in found.items()}


def _answer(row: ScoreRow) -> Answer:
    return Answer.model_validate(
        {
            "probe": row.probe,
            "item": row.item,
            "ended": row.ended,
            "option_nats": None if row.option_nats is None else tuple(row.option_nats),
            "option_tokens": None if row.option_tokens is None else tuple(row.option_tokens),
            "text_digest": row.text_digest,
        }
    )


def write_sums(folder: Path) -> None:
    """List the files of a packed study."""
    write_text(folder / SUMS, _sums(folder))


def check_sums(folder: Path) -> None:
    """Compare the files of a packed study with the list.

    Raises:
        InputError: if one is a link.
        DamagedError: naming the file that is not what was packed.
    """
    path = no_link(folder / SUMS, folder)
    known = read_bytes(path).decode(errors="replace").splitlines() if path.exists() else []
    found = _sums(folder).splitlines()
    for name, line in zip(LISTED, found, strict=True):
        if line not in known:
            raise DamagedError(
                f"{folder / name} is not what {path} lists: one of them is missing or was changed. {ANEW}"
            )
    if known != found:
        raise DamagedError(f"{path} was changed since the study was packed. {ANEW}")


def _sums(folder: Path) -> str:
    lines = []
    for name in LISTED:
        path = no_link(folder / name, folder)
        content = read_bytes(path) if path.exists() else b""
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    return "".join(lines)
