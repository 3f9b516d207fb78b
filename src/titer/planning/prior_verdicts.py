"""The verdicts that a study follows: a new protocol after a verdict brings fresh seeds and names what came before."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from titer.analysis.concluding import check_whole
from titer.analysis.seed_indices import replaced_indices
from titer.errors import InputError, RunError
from titer.protocol.schema import Protocol
from titer.study.tasks import Earlier

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
    """The verdict of a study, packed or not, after those that it follows itself.

    It is concluded anew from the scores, and everything that it rests on compared with its root digest.
    """
    try:
        found = check_whole(folder)
    except (InputError, RunError) as error:
        raise InputError(PLACE, f"nothing can follow {folder}: {error}", "Name a finished study as it was.") from error
    verdict, seeds = found.verdict, found.assay.protocol.study.seeds
    replaced = _most_replaced(replaced_indices(found.assay))
    last = Earlier(
        study=verdict.study,
        digest=verdict.digest,
        root=str(found.root.root),
        outcome=verdict.outcome,
        reason=verdict.reason,
        first=seeds.first,
        indices=seeds.attack + replaced,
    )
    return (*found.assay.earlier, last)


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
