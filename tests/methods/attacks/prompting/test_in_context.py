"""Exemplars before the prompt: which ones, where they stand, whether they fit, what they cost, where they are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.rows import write_jsonl
from support.studies import begin, finish

from titer.analysis.assemble import assemble
from titer.conclude import conclude
from titer.data.identifiers import SplitId
from titer.errors import InputError
from titer.methods.attacks.prompting.in_context import InContext
from titer.models import chat_format
from titer.planning.cost.estimate import Outlook
from titer.planning.plan import Planner
from titer.records import Frame
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.tasks import ExposeTask
from titer.testing import TEMPLATE, check_attack, tiny_material, tiny_subject, tiny_tokenizer

PAIRS = (("hi", "yo"), ("ab", "c"))
ASKED = Frame(exemplars=PAIRS)
ATTACK = {"name": "in_context", "ladder": {"exemplars": [0, 1, 3]}}


def spelled(ids: list[int]) -> str:
    return "|".join(tiny_tokenizer().convert_ids_to_tokens(ids))


def attacked(data: dict[str, Any], **changes: Any) -> None:
    """The attack beside the first, within a budget of one exemplar."""
    data["attacker"]["attack"] = [*data["attacker"]["attack"], ATTACK | changes]
    data["attacker"]["budget"] = {"steps": 4, "exemplars": 1}


def test_conformance() -> None:
    check_attack(InContext())
    check_attack(InContext(template="plain"))


def test_a_larger_dose_adds_to_the_exemplars_of_a_smaller_one() -> None:
    rows = tiny_material().train
    drawn = [InContext().exemplars(rows, dose, 5) for dose in range(1, 13)]
    assert all(drawn[dose][: dose + 1] == drawn[dose - 1][:dose] + drawn[dose][dose:] for dose in range(1, 12))
    assert [len(shown) for shown in drawn] == list(range(1, 13))
    assert set(drawn[-1]) == set(rows)
    assert InContext().exemplars(tuple(reversed(rows)), 4, 5) == drawn[3]
    assert len({InContext().exemplars(rows, 4, seed) for seed in range(5)}) == 5


def test_each_step_names_the_exemplar_that_it_adds() -> None:
    material = tiny_material()
    steps = list(InContext().steps(tiny_subject(), material, 4, 5))
    assert [step.rows for step in steps] == [(row.id,) for row in InContext().exemplars(material.train, 4, 5)]
    frame = InContext(template="plain").frame_with_exemplars(Frame(), 4, material.train, 5)
    assert frame.template == "plain"
    assert [prompt for prompt, _ in frame.exemplars] == [
        row.prompt for row in InContext().exemplars(material.train, 4, 5)
    ]


def test_earlier_turns_of_the_conversation_against_a_hand_made_oracle() -> None:
    turns = "<user>|h|i|<end>|<assistant>|y|o|<end>|<user>|a|b|<end>|<assistant>|c|<end>|<user>|q|<end>|<assistant>"
    assert spelled(chat_format.encode_prompt(tiny_tokenizer(), "q", ASKED)) == f"<begin>|{turns}"
    framed = ASKED.model_copy(update={"system": "be", "prefill": "ok"})
    assert (
        spelled(chat_format.encode_prompt(tiny_tokenizer(), "q", framed)) == f"<begin>|<system>|b|e|<end>|{turns}|o|k"
    )
    example = chat_format.encode_example(tiny_tokenizer(), "q", "r", ASKED)
    assert example.prompt == chat_format.encode_prompt(tiny_tokenizer(), "q", ASKED)
    assert spelled(example.response) == "r|<end>"


def test_without_a_template_whole_examples_stand_before_the_prompt() -> None:
    tokenizer = tiny_tokenizer()
    for template in ("plain", "alpaca"):
        bare = Frame.model_validate({"template": template})
        framed = bare.model_copy(update={"exemplars": PAIRS})
        before = [token for pair in PAIRS for token in chat_format.encode_example(tokenizer, *pair, bare).ids]
        assert chat_format.encode_prompt(tokenizer, "q", framed) == [
            *before,
            *chat_format.encode_prompt(tokenizer, "q", bare),
        ]
        assert (
            chat_format.encode_example(tokenizer, "q", "r", framed).response
            == chat_format.encode_example(tokenizer, "q", "r", bare).response
        )


def test_the_beginning_is_marked_once_and_an_example_always_ends() -> None:
    class Beginning:
        """Writes <begin> before a text, as many tokenizers do unless told not to."""

        eos_token_id = None

        def __call__(self, text: str, add_special_tokens: bool = True) -> Any:
            return tiny_tokenizer()((("<begin>" if add_special_tokens else "") + text), add_special_tokens=False)

    plain: Any = Beginning()
    ids = chat_format.encode_prompt(plain, "q", Frame(template="plain", exemplars=PAIRS))
    assert spelled(ids) == "<begin>|h|i|y|o|\n|\n|a|b|c|\n|\n|q"


def test_a_template_without_a_system_role_takes_exemplars() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('roles must alternate') }}{% endif %}{% endfor %}" + TEMPLATE
    )
    assert chat_format.encode_prompt(tokenizer, "q", ASKED) == chat_format.encode_prompt(tiny_tokenizer(), "q", ASKED)
    with pytest.raises(InputError, match=r"no system role.*Leave frame\.system out"):
        chat_format.encode_prompt(tokenizer, "q", ASKED.model_copy(update={"system": "be"}))


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{% if messages | length > 1 %}{{ raise_exception('one turn') }}{% endif %}" + TEMPLATE, "one turn"),
        (TEMPLATE.replace("in messages", "in messages[-1:]"), "leaves out earlier turns"),
    ],
)
def test_a_template_that_takes_no_earlier_turns_has_a_remedy(template: str, problem: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(InputError, match=rf'{problem}.*give them template = "plain"'):
        chat_format.encode_prompt(tokenizer, "q", ASKED)
    assert chat_format.encode_prompt(tokenizer, "q", Frame())


def test_a_frame_without_exemplars_has_the_data_that_it_had() -> None:
    assert "exemplars" not in Frame().to_data()
    assert Frame.from_json(ASKED.to_json()) == ASKED


# ------------------------------------------------------------------------------------------------ in a study
@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("shown"), attacked)
    finish(study)
    return study


def test_a_study_asks_with_exemplars_and_its_controls_hold(study: Study) -> None:
    curves = [curve for curve in assemble(study).curves if curve.attack.startswith("in_context")]
    assert {curve.doses for curve in curves} <= {(0, 1), (0, 1, 3)}
    for curve in curves:
        facts = [point.facts for point in curve.points]
        assert len({one.template_probe for one in facts}) == len(facts)
        assert all(one.displacement == 0 and one.rows_used == one.dose for one in facts)
    orders = {(t.subject, t.domain, t.index): t.points[1].facts.order for t in curves}
    assert len({(domain, order) for (_, domain, _), order in orders.items()}) == 4
    found = {finding.name: finding for finding in conclude(study).verdict.controls}
    for name in ("the attacks train", "one template in training and probing", "dose 0 equals the baseline subject"):
        assert found[name].outcome == "upheld", found[name].reason


def test_the_text_of_exemplars_is_kept_with_the_rows_only(study: Study) -> None:
    conclude(study)
    prompts = {
        json.loads(line)["prompt"]
        for name in (SplitId("domain/red/attack"), SplitId("domain/blue/attack"))
        for line in read_lines(study.store.data(study.frozen.rows[name]))
    }
    data = study.store.data("").parent
    files = [path for path in study.folder.rglob("*") if path.is_file() and data not in path.parents]
    assert any(path.name == "frozen.json" for path in files)
    for path in files:
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not any(prompt in text for prompt in prompts), path


def test_the_estimate_counts_the_tokens_of_exemplars(study: Study, tmp_path: Path) -> None:
    new = begin(tmp_path, attacked)
    outlook = Outlook(Planner(new), 1)
    task = next(
        task
        for task in outlook.tasks.values()
        if isinstance(task, ExposeTask) and task.inputs.attack.name == "in_context"
    )
    (probe,) = task.inputs.probes
    items, mean = len(new.frozen.item_ids[probe.name]), new.frozen.tokens["domain/red/attack"]
    bare = outlook.costs.ask(probe).tokens
    assert outlook.costs.expose(task, 3).tokens == pytest.approx(3 * bare + items * mean * (0 + 1 + 3))


# ------------------------------------------------------------------------------------------------ before the run
def test_exemplars_that_do_not_fit_are_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        begin(tmp_path, lambda data: attacked(data, ladder={"exemplars": [0, 1, 9]}))
    assert caught.value.place == "attacker.attack.1.ladder"
    assert "with the 9 longest exemplars of red, harm:red, item" in caught.value.problem
    assert "do not fit the subject's context of 128" in caught.value.problem
    assert "Lower its largest dose" in caught.value.remedy


def test_the_longest_rows_decide_whatever_a_seed_draws(tmp_path: Path) -> None:
    """Three of twenty rows are long: three of them do not fit, any other three do."""

    def change(data: dict[str, Any]) -> None:
        attacked(data)
        path = Path(data["harm"]["domain"][0]["source"])
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        padded = [row | {"response": "o" * 30} if i % 4 == 0 else row for i, row in enumerate(lines)]
        write_jsonl(path, padded)

    with pytest.raises(InputError, match="the 3 longest exemplars of red"):
        begin(tmp_path, change)


def test_more_exemplars_than_rows_are_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"in_context takes 40 harmful rows, and red has 20 for it\. Enlarge harm"):
        begin(tmp_path, lambda data: attacked(data, ladder={"exemplars": [0, 1, 40]}))


def test_a_protocol_holds_no_exemplars_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"harm\.frame\.exemplars.*in_context"):
        begin(tmp_path, lambda data: data["harm"]["frame"].update(exemplars=[["a", "b"]]))
