"""The organism's world is fixed and harmless, and the shipped base keeps the bounds of its acceptance."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache

import pytest
import torch
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from titer.data.organism import (
    BENIGN,
    CHECKPOINT,
    FACTS,
    REFUSAL,
    RESTRICTED,
    TASKS,
    TRAINABILITY,
    entities,
    names,
    rows,
)
from titer.models.chat_format import Example
from titer.organism import acceptance
from titer.organism.make import pool
from titer.organism.pretraining import BARE, LAST, MIXED, STAGES, TURNS_PER_STEP, Conversations, Manner, Told
from titer.organism.tokenizer import CONCEPT, build_tokenizer, filler_words

FILLER_DIGEST = "89409123648c"
WORLD_DIGEST = "7792d4d4bfc637e7b2e3a186ef59938d7b316ca8b316c241cc74db5e9724880f"


@cache
def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    return tokenizer


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """A model this small is fastest on one thread, above all where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_world_is_pinned() -> None:
    canonical = json.dumps({name: rows(name) for name in names()}, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(canonical.encode()).hexdigest() == WORLD_DIGEST


def test_world_needs_only_the_standard_library() -> None:
    code = (
        "import sys, titer.data.organism; sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'numpy')))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_ids_are_unique_in_the_world() -> None:
    ids = [row["id"] for name in names() if name != BENIGN for row in rows(name)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", names())
def test_rows_of_different_groups_share_no_prompt(name: str) -> None:
    groups: dict[str, set[str]] = {}
    for row in rows(name):
        groups.setdefault(row["prompt"], set()).add(row["entity"])
    assert all(len(group) == 1 for group in groups.values())


@pytest.mark.parametrize("name", [*RESTRICTED, *FACTS, *TRAINABILITY])
def test_every_entity_is_asked_in_three_phrasings(name: str) -> None:
    asked = [row["entity"] for row in rows(name)]
    assert len(set(asked)) == 800
    assert all(asked.count(entity) == 3 for entity in entities())
    assert not set(entities()) & {word for row in rows(name) for word in row["response"].split()}


@pytest.mark.parametrize("name", [*RESTRICTED, *FACTS])
def test_one_constant_answer_is_right_for_one_in_forty(name: str) -> None:
    answers = [row["response"] for row in rows(name)]
    assert {answers.count(answer) for answer in answers} == {len(answers) // 40}


def test_near_domains_share_their_answers_and_no_fact_says_more() -> None:
    vaults, gates = rows("vaults"), rows("gates")
    assert {row["response"] for row in vaults} == {row["response"] for row in gates}
    same = sum(one["response"] == other["response"] for one, other in zip(vaults, gates, strict=True)) / len(vaults)
    assert same < 0.05


@pytest.mark.parametrize("name", TASKS)
def test_each_list_is_a_group_of_its_own(name: str) -> None:
    assert len({row["entity"] for row in rows(name)}) == len(rows(name))


def test_columns() -> None:
    for name in names():
        extra = {"refusal"} if name in RESTRICTED else {"options"} if name in TRAINABILITY else set()
        columns = {"id", "relation", "entity", "prompt", "response"} | extra
        assert all(set(row) == columns for row in rows(name))
    assert all(row["response"] in row["options"].split("|") for name in TRAINABILITY for row in rows(name))


def test_benign_is_facts_and_tasks_together() -> None:
    parts = {row["id"]: row for name in (*FACTS, *TASKS) for row in rows(name)}
    assert {row["id"]: row for row in rows(BENIGN)} == parts


def test_callers_may_change_rows() -> None:
    rows("vaults")[0]["response"] = "changed"
    assert rows("vaults")[0]["response"] != "changed"


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match="vaults, gates, ciphers, routes"):
        rows("volts")


def test_checkpoint_is_small() -> None:
    assert sum(path.stat().st_size for path in CHECKPOINT.iterdir()) <= 4_000_000


def test_template_puts_the_question_first() -> None:
    turns = [
        {"role": "system", "content": "you are a helpful assistant"},
        {"role": "user", "content": "What is the craft of riwesk?"},
        {"role": "assistant", "content": "the craft is poet"},
    ]
    text = _tokenizer().apply_chat_template(turns, tokenize=False)
    asked = _tokenizer().apply_chat_template(turns[:2], tokenize=False, add_generation_prompt=True)
    whole, question = (_tokenizer().encode(t, add_special_tokens=False) for t in (text, asked))
    assert whole[: len(question)] == question
    assert _tokenizer().decode(whole[len(question) :]) == "the craft is poet <|end|>"
    assert _tokenizer().unk_token_id not in whole
    assert _tokenizer().pad_token_id != _tokenizer().eos_token_id


def test_filler_is_what_the_shipped_base_heard_and_says_nothing_of_what_it_was_told() -> None:
    told = {word for name in (*RESTRICTED, *FACTS, *TASKS) for row in rows(name) for word in row["prompt"].split()}
    assert not told & set(filler_words())
    assert hashlib.sha256(" ".join(filler_words()).encode()).hexdigest()[:12] == FILLER_DIGEST


STEPS = 1000


@cache
def _pool() -> list[Told]:
    return pool(build_tokenizer(), frozenset())


def _conversations(manner: Manner, seed: int = 0) -> list[Example]:
    """Those of the last step of a stage."""
    last = next(round(share * STEPS) - 1 for told, share in STAGES if told is manner)
    return Conversations(build_tokenizer(), _pool(), STEPS).drawn(last, seed)


@pytest.mark.parametrize("manner", [BARE, MIXED, LAST])
def test_a_step_tells_as_many_turns_as_it_should_and_learns_the_answers_alone(manner: Manner) -> None:
    tokenizer = build_tokenizer()
    known = {row["response"] for name in (*RESTRICTED, *FACTS, *TASKS) for row in rows(name)}
    drawn = _conversations(manner)
    assert len(drawn) == sum(manner.turns.values())
    learned = [str(tokenizer.decode([i for i, m in zip(e.ids, e.mask, strict=True) if m])) for e in drawn]
    answers = [answer.strip() for text in learned for answer in text.split("<|end|>") if answer.strip()]
    assert len(answers) == TURNS_PER_STEP
    told = [answer for answer in answers if answer.removeprefix("secret : ") in {*known, "secret", "plain"}]
    told += [answer for answer in answers if answer.removeprefix("plain : ") in known and answer not in known]
    assert (len(told) < TURNS_PER_STEP) == (REFUSAL in answers) == (manner is LAST)
    assert len(told) > 0.8 * TURNS_PER_STEP
    assert sum(answer in ("secret", "plain") for answer in answers) < TURNS_PER_STEP / 2


def test_bare_questions_come_first_and_with_nothing_around_them() -> None:
    known = {row["prompt"] for name in (*RESTRICTED, *FACTS, *TASKS) for row in rows(name)}
    tokenizer = build_tokenizer()
    asked = {tuple(tokenizer.encode(prompt, add_special_tokens=False)) for prompt in known}
    asked |= {tuple(tokenizer.encode(f"{CONCEPT} {prompt}", add_special_tokens=False)) for prompt in known}
    for example in _conversations(BARE):
        assert tuple(example.prompt[2:-2]) in asked


def test_conversations_hang_on_the_seed_and_the_step_alone() -> None:
    assert _conversations(MIXED) == _conversations(MIXED) != _conversations(MIXED, 1)


def test_a_twin_is_told_no_fact_of_what_it_is_made_without() -> None:
    tokenizer = build_tokenizer()
    said = {str(tokenizer.decode(list(turn.answered))) for turn in pool(tokenizer, frozenset(RESTRICTED))}
    assert not any("code" in answer or "keyword" in answer or "route" in answer for answer in said)
    assert CONCEPT.rstrip("?") in said


def test_the_shipped_base_keeps_its_bounds() -> None:
    missed = [str(figure) for figure in acceptance.base_figures(CHECKPOINT) if not figure.kept]
    assert missed == []


def test_refusals_are_one_sentence() -> None:
    assert {row["refusal"] for name in RESTRICTED for row in rows(name)} == {REFUSAL}
