"""The leaves of a study's root digest: its protocol, every file that it is read from, and the tables it is packed as.

A file is taken by its bytes, under the salt of the study, so that nobody can guess a text from its digest. The tables
have no texts and no ids: their digests are the same in the study and in whatever folder it is packed into.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import requires, version
from itertools import chain
from pathlib import Path

from titer.boundary import read_bytes
from titer.records import digest
from titer.study.atomic_files import MANIFEST, no_link
from titer.study.folder import CELLS, FROZEN, PROTOCOL, SCORES, Frozen, Study
from titer.study.packed_tables import digest_of
from titer.study.packing import ReadCell, cell_rows, score_rows, whole_of, without_text
from titer.study.salt import Salt
from titer.study.store import Store
from titer.study.tasks import RunStatus

STORE = "store/"
"""How the names of files of the store begin, wherever it lies."""
BEGUN = "tables/begun"
"""What the study began with, without texts and ids."""
ENDED = "tables/ended"
"""How its run ended."""
PACKED_CELLS, PACKED_SCORES = f"tables/{CELLS}", f"tables/{SCORES}"


def versions() -> dict[str, str]:
    """The versions of Python, of titer and of everything that it depends on, by name."""
    lines = [line for line in requires("titer") or () if "extra ==" not in line]
    names = sorted(match[0] for line in lines if (match := re.match(r"[\w.-]+", line)))
    return {"python": platform.python_version(), "titer": version("titer"), **{name: version(name) for name in names}}


def protocol_leaf(study: Study) -> dict[str, str]:
    """The protocol by its meaning, as it is read now: comments and the name of the study may change."""
    return {PROTOCOL: study.protocol.digest}


def frozen_leaf(frozen: Frozen, salt: Salt) -> dict[str, str]:
    """What the study began with, without texts and ids."""
    return {BEGUN: digest(without_text(frozen, salt).to_data())}


def ended_leaf(status: RunStatus, failed_makes: Mapping[str, str]) -> dict[str, str]:
    """Which seed indices gave way, and which subjects could not be made."""
    return {ENDED: digest([status.to_data(), dict(failed_makes)])}


def table_leaves(study: Study, cells: Sequence[ReadCell], salt: Salt) -> dict[str, str]:
    """What a pack of the study can show of it: each of its tables, row by row."""
    whole = whole_of(study, cells, salt)
    return {
        **frozen_leaf(study.frozen, salt),
        **ended_leaf(whole.status, whole.failed_makes),
        PACKED_CELLS: digest_of(cell_rows(study, cells, salt)),
        PACKED_SCORES: digest_of(score_rows(study, cells, salt)),
    }


def file_names(study: Study, cells: Sequence[ReadCell]) -> Iterator[str]:
    """The leaf of every file that a finished study is read from, as far as it is there."""
    for path in (study.folder / FROZEN, study.tasks_file, study.status_file):
        if path.exists():
            yield path.name
    for path in chain(_inputs(study), _results(study.store, cells)):
        if path.exists():
            yield f"{STORE}{path.relative_to(study.store.root)}"


def file_leaf(study: Study, name: str, salt: Salt) -> str:
    """The digest of a file; neither it nor a folder on the way may be a link.

    Raises:
        InputError: if one is.
    """
    root = study.store.root if name.startswith(STORE) else study.folder
    return salt.of_file(read_bytes(no_link(path_of(study, name), root)))


def may_go(study: Study, name: str) -> bool:
    """Whether a file may be missing: the weights of a subject take much room, and nothing is concluded from them."""
    return name.startswith(f"{STORE}subjects/") and not path_of(study, name).parent.exists()


def path_of(study: Study, name: str) -> Path:
    """Where the file of a leaf lies."""
    return study.store.root / name.removeprefix(STORE) if name.startswith(STORE) else study.folder / name


def _inputs(study: Study) -> Iterator[Path]:
    """The frozen rows and items."""
    for name in sorted({*study.frozen.rows.values(), *study.frozen.items.values()}):
        yield study.store.data(name)


def _results(store: Store, cells: Sequence[ReadCell]) -> Iterator[Path]:
    """Of each cell the subject it had, its answers, their scores, or why it failed."""
    for cell, doses, judges in cells:
        yield store.failed(cell.key)
        for dose in doses:
            yield store.answers(cell.key, dose)
            yield from (store.scores(judge.key, dose) for judge in judges)
    for key in sorted({key for cell, _, _ in cells for key in cell.makes}):
        yield store.subject(key) / MANIFEST
        yield store.failed(key)
