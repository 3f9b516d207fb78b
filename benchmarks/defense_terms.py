"""What a defense's own loss does while it is made on the organism: a method that moves nothing is no defense yet.

    python -m benchmarks.defense_terms FOLDER NAME [KEY=JSON ...]

FOLDER is that of `python -m benchmarks.defense_studies`, which must have begun the study of NAME. Its first defended
model is made again, with other parameters where some are given, and nothing is written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from titer.execution.inputs import material_of, open_subject
from titer.methods import registry
from titer.planning.freeze import open_study
from titer.planning.lineage import lineages
from titer.training.types import Step

SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The steps that are printed."""


def made_again(folder: Path, name: str, changes: dict[str, object]) -> Iterator[Step]:
    """The steps of the first defended model.

    Args:
        folder: of all studies.
        name: of the defense.
        changes: parameters other than those of the study.
    """
    study = open_study(folder / name / "study", (folder / "store").resolve())
    task = lineages(study, study.protocol.study.seeds.first)["defended"].makes[-1]
    assert task.defense is not None
    choice = task.defense.model_copy(update={"parameters": {**task.defense.parameters, **changes}})
    subject = open_subject(task.parent, study.store, task.compute)
    material = material_of(task.material, study.store, task.seed, task.compute)
    yield from registry.defense(choice).steps(subject, material, task.seed.root, None)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Print what a defense's own loss does on the organism.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("changes", nargs="*", metavar="KEY=JSON")
    given = parser.parse_args()
    changes = {key: json.loads(value) for key, _, value in (one.partition("=") for one in given.changes)}
    for step in made_again(given.folder, given.name, changes):
        if step.dose in SHOWN:
            print(step.dose, ", ".join(f"{name} {value:.4g}" for name, value in step.terms.items()), flush=True)


if __name__ == "__main__":
    main()
