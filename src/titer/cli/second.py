"""`judge`: the stored answers under another judge, marked as a second opinion."""

from __future__ import annotations

import json as json_module
from pathlib import Path

from titer.cli import show
from titer.errors import InputError
from titer.records import Choice, JudgeTask
from titer.study import read_study


def second_opinion(folder: Path, judge: str, json: bool) -> None:
    """Judge every harm probe of a study again, and print both judges' rates side by side."""
    from titer.assemble import assemble
    from titer.catalogue import judge as build
    from titer.cells import judge_ref
    from titer.conditions.exposure import harmful
    from titer.run import work

    study = read_study(folder)
    choice = _choice(judge)
    kind = build(choice, "--judge").kind
    assay = assemble(study)
    rows = []
    for cell in study.read_cells():
        for own in (ref for ref in cell.judges if ref.role == "harm"):
            ref = judge_ref(cell.key, own.probe, own.items, choice, "second opinion", own.doses)
            doses = [d for d in cell.doses if study.store.answers(cell.key, d).exists()]
            asked = tuple(d for d in doses if own.doses is None or d in own.doses)
            work(JudgeTask(key=ref.key, judge=ref, doses=asked), study.store)
            for dose in asked:
                first = [harmful(r.value, own.kind) for r in study.store.read_readings(own.key, dose)]
                second = [harmful(r.value, kind) for r in study.store.read_readings(ref.key, dose)]
                both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
                rows.append(
                    {
                        "purpose": cell.purpose,
                        "subject": cell.subject,
                        "probe": own.probe,
                        "index": cell.index,
                        "dose": dose,
                        "of record": sum(value is True for value in first),
                        f"under {choice.name}": sum(value is True for value in second),
                        "unjudged": sum(value is None for value in second),
                        "agree": sum(a == b for a, b in both),
                        "items": len(second),
                    }
                )
    del assay
    show.print_rows(f"Second opinion: the same answers under {choice.label}", rows, json)


def _choice(text: str) -> Choice:
    """`refusal` or `refusal:{"extra": ["..."]}`."""
    name, _, parameters = text.partition(":")
    try:
        return Choice(name=name, parameters=json_module.loads(parameters) if parameters else {})
    except ValueError as error:
        raise InputError(
            "--judge", f"its parameters are no JSON object: {error}", 'As in refusal:{"extra": []}.'
        ) from error
