"""A study that asks `select` rows in the place of its own: what a made model is looked at with before any verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from titer.analysis.made_model import stability_of
from titer.data.identifiers import ProbeId, SplitId
from titer.data.splitting import items
from titer.methods.roles import JUDGE_OF_TASK
from titer.planning.cells import CellBuilder
from titer.planning.curves import PlannedCurve
from titer.planning.freeze.contents import keep
from titer.planning.judges.tasks import judge_spec
from titer.planning.lineage import PREPARED, rows
from titer.protocol.defaults import FINGERPRINT
from titer.records import Choice, Item, Row
from titer.study.folder import Study
from titer.study.store import read_items, read_rows


def select_study(study: Study) -> Study:
    """The study with other questions: dose 0 asks what its protocol has `select` rows of, and nothing else.

    Its models and its judges are those of the study; the items are kept in the store.
    """
    questions = dict(_questions(study))
    judges = {
        **study.frozen.judges,
        "refusal": judge_spec(stability_of(study.protocol).refusal),
        "distinct": judge_spec(FINGERPRINT),
        "utility": judge_spec(Choice(name=JUDGE_OF_TASK["loss"])),
    }
    with study.store.in_use():
        kept = {name: keep(study.store, asked) for name, asked in questions.items()}
    ids = {name: tuple(item.id for item in asked) for name, asked in questions.items()}
    return replace(study, frozen=study.frozen.model_copy(update={"items": kept, "item_ids": ids, "judges": judges}))


def select_curves(study: Study) -> tuple[PlannedCurve, ...]:
    """Dose 0 of the undefended model and of the made one; nothing where there are no `select` rows.

    Args:
        study: one that asks `select` rows.
    """
    return tuple(CellBuilder(study, study.protocol.study.seeds.first).baseline()) if study.frozen.items else ()


def _questions(study: Study) -> Iterator[tuple[ProbeId, Sequence[Item]]]:
    """The items of every probe."""
    frozen, store = study.frozen, study.store
    for domain in study.protocol.harm.domain:
        if own := _rows(study, SplitId.domain(domain.name, "select")):
            yield ProbeId.of("harm", domain.name), items(own, "generate")
            if domain.attack_with is None:
                yield ProbeId.of("harmful", domain.name), items(own, "loss")
    for task in stability_of(study.protocol).tasks:
        if (kept := frozen.items.get(ProbeId.of("select", task))) is not None:
            yield ProbeId.of("task", task), read_items(store, kept)
    if own := _rows(study, SplitId.benign("select")):
        yield ProbeId.of("usable"), items(own, "generate")


def _rows(study: Study, split: SplitId) -> tuple[Row, ...]:
    return tuple(row for ref in rows(study.frozen, split) for row in read_rows(study.store, ref, PREPARED))
