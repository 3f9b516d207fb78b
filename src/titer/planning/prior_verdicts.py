"""The verdicts that a study follows: a new protocol after a verdict brings fresh seeds and names what came before."""

from __future__ import annotations

from pathlib import Path

from titer.analysis.findings import Verdict
from titer.errors import DamagedError, InputError
from titer.protocol.schema import Protocol
from titer.study.folder import Study, read_study
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
    study = read_study(Path(folder))
    chain = (*study.frozen.earlier, _concluded(study))
    for one in chain:
        _check_fresh(protocol, one)
    return chain


def _concluded(study: Study) -> Earlier:
    try:
        verdict = Verdict.from_json((study.folder / "verdict.json").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DamagedError) as error:
        remedy = f"`titer verdict {study.folder}` writes it once the study is finished."
        raise InputError(PLACE, f"{study.folder} has no verdict that can be read", remedy) from error
    seeds = study.protocol.study.seeds
    return Earlier(
        study=verdict.study,
        digest=verdict.digest,
        outcome=verdict.outcome,
        reason=verdict.reason,
        first=seeds.first,
        indices=seeds.attack + len(study.read_status().replaced),
    )


def _check_fresh(protocol: Protocol, one: Earlier) -> None:
    """No index of this study, with as many after its last as may replace failed ones, is among those used before."""
    seeds = protocol.study.seeds
    last = seeds.first + 2 * seeds.attack - 1
    if last >= one.first and seeds.first < one.first + one.indices:
        problem = f"'{one.study}' used the seeds {one.first} to {one.first + one.indices - 1} already"
        raise InputError("study.seeds.first", problem, f"Begin at {one.first + one.indices}.")
