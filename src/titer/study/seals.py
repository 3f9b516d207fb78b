"""Every root that a study was finished with, remembered in its folder and its store: nothing is sealed again unsaid.

root.json alone could be put back to what it was before the run. What lies here is no part of a root and has no date
unless the study was finished as something else, so that an interrupted study stays equal to an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import Field

from titer.errors import DamagedError
from titer.records import Record
from titer.study.atomic_files import no_link, read_lines, write_lines
from titer.study.folder import PUT_BACK, Study
from titer.study.root import AGAIN, Root, SealedAgain, again_leaf, sha256_of

SEALS = "seals.jsonl"
"""The file in the folder of a study; one named after its salt's commitment lies in `seals` of its store."""
MOST_NAMED: Final = 3
"""The leaves that a reason names."""


class Seal(Record):
    """A root that a study was finished with, and the leaves that it was made of."""

    root: str
    leaves: dict[str, str]
    sealed_again: tuple[SealedAgain, ...] = Field(default=(), exclude_if=lambda past: not past)


def before(study: Study, known: Root, leaves: Mapping[str, str]) -> tuple[SealedAgain, ...]:
    """Each time that the study was finished as something else, this time included.

    Args:
        study: the study, which is about to be finished.
        known: its registration.
        leaves: those that it is finished with, but for this one.
    """
    past = max((_read(path) for path in _places(study, known)), key=len)
    if not past:
        return ()
    last = past[-1]
    changed = sorted(
        name for name in (last.leaves.keys() | leaves.keys()) - {AGAIN} if last.leaves.get(name) != leaves.get(name)
    )
    if not changed:
        return last.sealed_again
    named = ", ".join(changed[:MOST_NAMED]) + (f" and {len(changed) - MOST_NAMED} more" * (len(changed) > MOST_NAMED))
    because = f"{len(changed)} of its {len(leaves)} parts changed: {named}"
    return (*last.sealed_again, SealedAgain(root=last.root, on=datetime.now(UTC).date().isoformat(), because=because))


def remember(study: Study, root: Root) -> None:
    """Add the root of a finished study to what is remembered; a file of the two that was lost comes back."""
    places = _places(study, root)
    past = max((_read(path) for path in places), key=len)
    if not past or past[-1].root != root.root:
        past = (*past, Seal(root=str(root.root), leaves=root.leaves, sealed_again=root.sealed_again))
    for path in places:
        if _read(path) != past:
            write_lines(path, past)


def is_remembered(study: Study, root: Root) -> bool:
    """Whether anything is remembered of the study: a titer that did not do so finished it otherwise."""
    return any(path.exists() for path in _places(study, root))


def check_remembered(study: Study, root: Root) -> None:
    """See that the study was last finished with the root that it has; one of an older titer has nothing to remember.

    Raises:
        DamagedError: naming the file that remembers another root, or that is missing while the other is there.
    """
    if not is_remembered(study, root):
        return
    for path in _places(study, root):
        past = _read(path)
        if not past:
            raise DamagedError(f"{path} is missing: `titer run {study.folder}` makes it anew, as it was")
        if past[-1].root != root.root:
            raise DamagedError(f"{path} remembers the root {past[-1].root}, and root.json has {root.root}. {PUT_BACK}")


def _places(study: Study, root: Root) -> tuple[Path, Path]:
    return no_link(study.folder / SEALS, study.folder), no_link(study.store.seals(root.salt), study.store.root)


def _read(path: Path) -> tuple[Seal, ...]:
    if not path.exists():
        return ()
    problem = f"{path} is truncated or was changed, and it remembers what the study was finished as. {PUT_BACK}"
    try:
        past = tuple(Seal.from_json(line) for line in read_lines(path))
    except DamagedError as error:
        raise DamagedError(problem) from error
    fits = all(
        seal.root == sha256_of(seal.leaves) and again_leaf(seal.sealed_again).get(AGAIN) == seal.leaves.get(AGAIN)
        for seal in past
    )
    if not past or not fits:
        raise DamagedError(problem)
    return past
