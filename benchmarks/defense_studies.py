"""Tune, run and pack every defense of a group: examples/organism_defenses.py says which and how.

    python -m benchmarks.defense_studies GROUP FOLDER [--jobs N]
    python -m benchmarks.defense_studies quick FOLDER [--jobs N]
    python -m benchmarks.defense_studies smollm2 FOLDER [NAME ...] [--jobs N]

The second runs a few of them untuned, against fixed attacks: examples/organism-defenses-quick.toml; the third does on
a real model what examples/smollm2_defenses.py says, in hours.

All share one store in FOLDER, and what is there is not done again. FOLDER/packed, for the others FOLDER/quick/packed
and FOLDER/smollm2/packed, gets a folder for each defense: its study without any text, its trials, and `cost.json`.
Where no trial keeps within the margins of stability, the one that loses least is run, and `cost.json` says that none
counted. `python -m benchmarks.defense_table` makes the table.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from examples import organism_defenses, smollm2_defenses
from titer.analysis.concluding import conclude_path
from titer.conclude import pack
from titer.planning.freeze import open_study
from titer.protocol.loading import load
from titer.protocol.schema import Protocol
from titer.run import run
from titer.study.atomic_files import write_lines, write_text
from titer.study.folder import PROTOCOL, Study
from titer.study.store import Store
from titer.tuning.search import TunedTrial, best, loss_of, trials, tuned

TRIALS: Final = "trials.jsonl"
COST: Final = "cost.json"
WRITTEN: Final = "written.toml"
APART: Final = ("quick", "smollm2")
"""Groups with protocols of their own, whose packs stand apart."""
LEFT_OUT: Final = ("report.md", "report.json", "ledger.md", "*.svg")
"""Of a pack: what `titer report` writes again from the rest."""


def texts(group: str) -> dict[str, str]:
    """The defenses of a group by name, each with its protocol before tuning."""
    if group == "smollm2":
        return {name: smollm2_defenses.protocol_of(name) for name in smollm2_defenses.DEFENSES}
    quick = group == "quick"
    base = organism_defenses.QUICK if quick else organism_defenses.PROTOCOL
    names = organism_defenses.FEW if quick else organism_defenses.GROUPS[group]
    return {name: organism_defenses.protocol_of(name, base) for name in names}


def run_defense(name: str, text: str, folder: Path, store: Path, jobs: int) -> Path:
    """Its packed study, made where it is not there.

    Args:
        name: of the defense.
        text: its protocol before tuning.
        folder: of all of them.
        store: that all share.
        jobs: workers.
    """
    packed = folder / "packed" / name
    if (packed / COST).exists():
        return packed
    found = tune(text, folder / name, store, jobs)
    study = open_study(folder / name / "study", store)
    for _ in run(study, jobs):
        pass
    pack(study, packed)
    for pattern in LEFT_OUT:
        for path in packed.glob(pattern):
            path.unlink()
    if found:
        write_lines(packed / TRIALS, list(found))
    made = conclude_path(packed).verdict.subjects["defended"]
    write_text(packed / COST, json.dumps(cost(study, made, found), indent=1) + "\n")
    return packed


def tune(text: str, place: Path, store: Path, jobs: int) -> list[TunedTrial]:
    """Write the protocol of the study: that of the best trial, or of the one that loses least.

    Args:
        text: the protocol before tuning.
        place: its folder.
        store: that all share.
        jobs: workers.
    """
    place.mkdir(parents=True, exist_ok=True)
    write_text(place / WRITTEN, text)
    protocol, found = load(place / WRITTEN), list[TunedTrial]()
    if protocol.tuning is not None:
        for trial in trials(protocol, place, jobs, store):
            found.append(trial)
            held = trial.failure or f"{trial.worst_task} {trial.worst_change:+.3f}"
            print(f"{place.name} {trial.number}: broken at {trial.steps} steps, {held}", flush=True)
        text = tuned(text, chosen(protocol, found), len(found))
    target = place / "study" / PROTOCOL
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        write_text(target, text)
    return found


def chosen(protocol: Protocol, found: list[TunedTrial]) -> TunedTrial:
    """The best trial of those that count; where none does, the one that loses least."""
    return best(protocol, found) or min(found, key=lambda trial: (loss_of(protocol, trial), trial.number))


def cost(study: Study, made: Sequence[str], found: list[TunedTrial]) -> dict[str, Any]:
    """What one defended model costs: median seconds of a make, and how tuning went.

    Args:
        study: of the defense.
        made: keys of its defended models.
        found: its trials.
    """
    seconds = [line["wall_seconds"] for line in _runs(study.store) if line["key"] in made and not line["resumed_at"]]
    return {
        "seconds": statistics.median(seconds) if seconds else None,
        "makes": len(seconds),
        "trials": len(found),
        "counting": sum(trial.counts for trial in found),
    }


def _runs(store: Store) -> list[dict[str, Any]]:
    """The makes of the store's log."""
    lines = map(json.loads, store.runs.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["task"] == "make"]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Tune, run and pack the defenses of a group.")
    parser.add_argument("group", choices=[*organism_defenses.GROUPS, *APART])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help="of the defenses; all of the group by default")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    folder = given.folder / given.group if given.group in APART else given.folder
    store, known = (given.folder / "store").resolve(), texts(given.group)
    if strangers := set(given.names) - set(known):
        parser.error(f"the group {given.group} has no {', '.join(sorted(strangers))}")
    for name in given.names or known:
        print(run_defense(name, known[name], folder, store, given.jobs), flush=True)


if __name__ == "__main__":
    main()
