"""`tune`: trials of a defense's parameters, and the protocol of the best of them."""

from __future__ import annotations

from pathlib import Path

from titer.cli import output
from titer.errors import InputError
from titer.protocol.loading import load
from titer.records import Record, canonical
from titer.study.atomic_files import write_lines, write_text
from titer.study.folder import PROTOCOL
from titer.tuning.search import TunedTrial, best, loss_of, trials, tuned

TRIALS = "trials.jsonl"


def tune_defense(protocol: Path, folder: Path, store: Path | None, jobs: int, json: bool) -> None:
    """Run all trials, write them and the tuned protocol into the folder, and print them.

    Args:
        protocol: the file.
        folder: of the trials.
        store: that they share; by default one in the folder.
        jobs: workers.
        json: whether data are printed.

    Raises:
        InputError: if a folder is given for the protocol, or no trial counts: each costs more than stability allows, or
            failed.
    """
    if protocol.is_dir():
        remedy = f"Name the file in it: '{protocol / PROTOCOL}'."
        raise InputError(str(protocol), "this is a folder, and a protocol file is meant", remedy)
    study, done = load(protocol), list[Record]()
    found: list[TunedTrial] = []
    for trial in trials(study, folder, jobs, store):
        found.append(trial)
        done.append(trial)
        if not json:
            output.say(_line(trial))
        write_lines(folder / TRIALS, done)
    chosen = best(study, found)
    if chosen is None:
        remedy = "Search milder parameters, or more trials: what they showed is in trials.jsonl."
        raise InputError("tuning", f"none of {len(found)} trials stays within the margins of stability", remedy)
    write_text(folder / PROTOCOL, tuned(protocol.read_text(encoding="utf-8"), chosen, len(found)))
    if json:
        output.print_json({"trials": [one.to_data() for one in found], "chosen": chosen.number})
        return
    counting = [one for one in found if one.counts]
    apart = any(loss_of(study, one) != loss_of(study, chosen) for one in counting)
    why = "breaks last" if apart else f"is the first of {len(counting)} that break alike"
    output.say(f"Trial {chosen.number} {why}. Its protocol: {folder / PROTOCOL}")


def _line(trial: TunedTrial) -> str:
    """A trial in one line."""
    if trial.worst_task is None:
        return f"{trial.number}: could not be made: {trial.failure}; {canonical(trial.configuration.parameters)}"
    broken = "not broken" if trial.steps is None else f"broken at {trial.steps}"
    fate = broken if trial.failure is None else f"failed: {trial.failure}"
    held = "within" if trial.counts else "beyond"
    return (
        f"{trial.number}: {fate}; {trial.worst_task} {trial.worst_change:+.3g}, {held} the margin; "
        f"{canonical(trial.configuration.parameters)}"
    )
