"""The verdicts that a study follows: a new protocol after a verdict brings fresh seeds and names what came before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from titer.analysis.findings import Verdict
from titer.errors import DamagedError, InputError
from titer.protocol.schema import Protocol, Seeds
from titer.study.folder import is_packed, read_study
from titer.study.packed_tables import read_whole
from titer.study.tasks import Earlier, RunStatus

PLACE = "study.follows"


def earlier(protocol: Protocol) -> tuple[Earlier, ...]:
    """The chain of earlier verdicts, oldest first; empty where the protocol follows none.

    Raises:
        InputError: if the earlier study has no verdict yet, or one of the chain used a seed of this study.
    """
    folder = protocol.study.follows
    if folder is None:
        return ()
    chain = _chain(Path(folder))
    for one in chain:
        _check_fresh(protocol, one)
    return chain


def _chain(folder: Path) -> tuple[Earlier, ...]:
    """The verdict of a study, packed or not, after those that it follows itself."""
    if is_packed(folder):
        packed = read_whole(folder)
        return (*packed.frozen.earlier, _concluded(folder, packed.protocol.study.seeds, packed.status))
    study = read_study(folder)
    return (*study.frozen.earlier, _concluded(folder, study.protocol.study.seeds, study.read_status()))


def _concluded(folder: Path, seeds: Seeds, status: RunStatus) -> Earlier:
    try:
        verdict = Verdict.from_json((folder / "verdict.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DamagedError) as error:
        remedy = f"`titer verdict {folder}` writes it once the study is finished."
        raise InputError(PLACE, f"{folder} has no verdict that can be read", remedy) from error
    return Earlier(
        study=verdict.study,
        digest=verdict.digest,
        outcome=verdict.outcome,
        reason=verdict.reason,
        first=seeds.first,
        indices=seeds.attack + _most_replaced(status.replaced),
    )


def _check_fresh(protocol: Protocol, one: Earlier) -> None:
    """No index of this study, with as many after its last as may replace failed ones, is among those used before."""
    seeds = protocol.study.seeds
    last = seeds.first + 2 * seeds.attack - 1
    if last >= one.first and seeds.first < one.first + one.indices:
        problem = f"'{one.study}' used the seeds {one.first} to {one.first + one.indices - 1} already"
        raise InputError("study.seeds.first", problem, f"Begin at {one.first + one.indices}.")


def _most_replaced(replaced: tuple[str, ...]) -> int:
    """The most seed indices that gave way in one condition, which each begins with."""
    return max(Counter(reason.partition(":")[0] for reason in replaced).values(), default=0)
