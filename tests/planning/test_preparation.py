"""A preparation is a chain of steps: what is withheld is taught first, to a model that has seen what will be asked."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from support.full_protocol import full, set_at
from support.studies import begin

from titer.data.identifiers import ProbeId, SplitId
from titer.execution.worker import work
from titer.planning.lineage import lineages
from titer.planning.plan import plan
from titer.protocol.loading import parse
from titer.protocol.schema import Protocol
from titer.records import Item, Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.tasks import MakeTask, RowsRef

TEACHING = {"defense": "sft", "teaches": ["red"], "train_steps": 2}
WITHHOLDING = {"defense": "refusal_sft", "domains": ["red"], "train_steps": 2}


def prepared(data: dict[str, Any], steps: Any) -> None:
    data["subject"]["prepare"] = steps
    data["benign"][0]["splits"]["prepare"] = 10


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study whose model is taught a topic and then withholds it; no test may change it."""
    return begin(tmp_path_factory.mktemp("taught"), lambda data: prepared(data, [TEACHING, WITHHOLDING]))


def makes(study: Study) -> tuple[MakeTask, ...]:
    return lineages(study, 0)["undefended"].makes


def prompts(study: Study, refs: tuple[RowsRef, ...]) -> set[str]:
    return {Row.from_json(line).prompt for ref in refs for line in read_lines(study.store.data(ref.digest))}


def asked(study: Study) -> set[str]:
    digest = study.frozen.items[ProbeId.of("harm", "red")]
    return {Item.from_json(line).prompt for line in read_lines(study.store.data(digest))}


def test_each_step_is_made_of_the_one_before(taught: Study) -> None:
    first, second = makes(taught)
    assert (first.role, second.role) == (
        "the undefended subject, prepared (1 of 2)",
        "the undefended subject, prepared (2 of 2)",
    )
    assert first.parent == taught.frozen.subject
    assert second.parent.key == first.key
    assert lineages(taught, 0)["undefended"].ref.key == second.key


def test_what_teaches_sees_every_row_and_what_withholds_none_that_is_asked(taught: Study) -> None:
    teaching, withholding = makes(taught)
    splits = [name for name in taught.frozen.rows if name.owner == "domain/red" and name.part != "knowledge"]
    kept = {name: prompts(taught, (RowsRef(digest=taught.frozen.rows[name]),)) for name in splits}
    assert len(asked(taught)) == 16
    assert asked(taught).union(*kept.values()) <= prompts(taught, teaching.material.train)
    assert teaching.material.harmful == ()
    assert withholding.material.train == ()
    assert prompts(taught, withholding.material.harmful) == kept[SplitId.domain("red", "defend")]
    assert not prompts(taught, withholding.material.harmful) & asked(taught)


def test_the_audit_finds_nothing_in_what_is_taught_by_design(taught: Study) -> None:
    assert taught.frozen.overlaps == ()


def test_the_steps_are_made_one_after_the_other(taught: Study) -> None:
    for expected in makes(taught):
        (task,) = plan(taught).tasks
        assert task == expected
        work(task, taught.store)
        assert taught.store.subject(task.key).exists()


def test_one_table_in_a_list_has_the_keys_and_the_digest_of_one_table(tmp_path: Path) -> None:
    table = begin(tmp_path, lambda data: prepared(data, WITHHOLDING), name="table")
    listed = begin(tmp_path, lambda data: prepared(data, [WITHHOLDING]), name="listed")
    assert [make.key for make in makes(table)] == [make.key for make in makes(listed)]
    assert table.protocol.digest == listed.protocol.digest


def steps(*tables: dict[str, Any]) -> dict[str, Any]:
    data = full()
    set_at(data, "subject.prepare", [copy.deepcopy(table) for table in tables] or None)
    return data


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_preparation_comes_back_from_json(count: int) -> None:
    protocol = parse(steps(*[{"defense": "refusal_sft", "domains": ["near"], "teaches": ["far"], "steps": 4}] * count))
    assert Protocol.from_json(protocol.to_json()) == protocol
    assert len(protocol.subject.prepare) == count
