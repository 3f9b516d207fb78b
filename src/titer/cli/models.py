"""`immunize` and `attack`: one part of a protocol's work, by the same plan and run."""

from __future__ import annotations

import shutil
from pathlib import Path

import typer

from titer.cli import show
from titer.errors import InputError, RunError
from titer.records import Role
from titer.store import write_text
from titer.study import Study, locate


def write_immunized(where: Path, folder: Path, out: Path | None, jobs: int) -> None:
    """Make M* and copy it, with its card, to `folder`."""
    from titer.cli.progress import follow
    from titer.freeze import open_study
    from titer.lineage import lineages
    from titer.plan import Plan
    from titer.report.card import model_card
    from titer.run import run

    study = open_study(locate(where, out))
    if not study.protocol.defended:
        raise InputError("defense", "the protocol has no defense", "Add a [[defense]].")
    if folder.exists() and any(folder.iterdir()):
        raise InputError(str(folder), "the folder is not empty", "Choose another one.")
    lineage = lineages(study, study.protocol.study.seeds.first)["M*"]
    if not lineage.makes:
        raise InputError("defense", "this defense makes no model", "Choose one that trains.")

    def makes(study: Study) -> Plan:
        for make in lineage.makes:
            if (reason := study.store.failure(make.key)) is not None:
                raise RunError(f"{make.role} could not be made: {reason}. Change the defense's parameters")
            if not study.store.subject(make.key).exists():
                return Plan((make,), (), 1, ())
        return Plan((), (), 0, ())

    follow(study, run(study, jobs, makes))
    shutil.copytree(study.store.subject(lineage.ref.key), folder, dirs_exist_ok=True)
    write_text(folder / "README.md", model_card(study.protocol.study.name, lineage.makes))
    typer.echo(f"Wrote {folder}: load it with AutoModelForCausalLM.from_pretrained.")


def print_attack(
    where: Path, out: Path | None, subject: Role, name: str | None, domain: str | None, index: int | None, json: bool
) -> None:
    """Run one attack and print harm at each dose."""
    from titer.assemble import trace_of
    from titer.cells import CellBuilder, Track
    from titer.cli.progress import follow
    from titer.conditions.exposure import counts_of
    from titer.freeze import open_study
    from titer.plan import missing
    from titer.run import run

    study = open_study(locate(where, out))
    first = study.protocol.study.seeds.first
    tracks = list(CellBuilder(study, first if index is None else index).exposures())

    def is_asked(track: Track) -> bool:
        cell = track.cells[0]
        wanted = domain or study.protocol.harm.domain[0].name
        own = name or study.protocol.attacker.attack[0].name
        return (cell.planned.subject, cell.planned.domain, cell.task.attack.name) == (subject, wanted, own)

    chosen = [track for track in tracks if is_asked(track)]
    if not chosen:
        known = sorted({f"{t.cells[0].task.attack.name} on {t.cells[0].planned.domain}" for t in tracks})
        raise InputError("--attack, --domain", "no such attack in the protocol", f"Known: {', '.join(known)}.")
    follow(study, run(study, 1, lambda study: missing(study, chosen)), quiet=json)
    trace = trace_of(study, [cell.planned for cell in chosen[0].cells])
    kind = next(ref.kind for ref in chosen[0].cells[0].planned.judges if ref.role == "harm")
    rows = []
    for rung in trace.rungs:
        counts = counts_of(rung.values[f"harm:{trace.domain}"], kind)
        rows.append(
            {
                "dose": rung.facts.dose,
                "harmful": counts.harmful,
                "incoherent": counts.incoherent,
                "unjudged": counts.unjudged,
                "items": counts.items,
                "loss": rung.facts.terms.get("loss"),
                "displacement": rung.facts.displacement,
            }
        )
    show.print_rows(f"{trace.attack} on {trace.domain}, {subject}, seed index {trace.index}", rows, json)
