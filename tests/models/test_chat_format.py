"""The tokens of a conversation, and which of them the loss counts."""

from __future__ import annotations

import pytest
import torch

from titer.errors import InputError
from titer.models import chat_format
from titer.records import Frame, Item
from titer.testing import tiny_subject, tiny_tokenizer

CHATTY = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}\n{% endfor %}"


def spelled(ids: list[int] | tuple[int, ...]) -> str:
    return "|".join(tiny_tokenizer().convert_ids_to_tokens(list(ids)))


def test_mask_against_a_hand_made_oracle() -> None:
    example = chat_format.encode_example(tiny_tokenizer(), "hi", "yo", Frame(system="be"))
    assert spelled(example.ids) == "<begin>|<system>|b|e|<end>|<user>|h|i|<end>|<assistant>|y|o|<end>"
    assert example.mask == (False,) * 10 + (True, True, True)
    assert example.prompt == chat_format.encode_prompt(tiny_tokenizer(), "hi", Frame(system="be"))
    assert spelled(example.response) == "y|o|<end>"


def test_the_end_of_turn_is_learned_where_it_is_the_padding_token_too() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    short, long = (chat_format.encode_example(tokenizer, "hi", text, Frame()) for text in ("y", "yes"))
    batch = chat_format.pad_batch([short, long], chat_format.pad_token(tokenizer))
    assert batch.mask.sum(1).tolist() == [2, 4]
    assert batch.ids[0][batch.mask[0]][-1] == tokenizer.eos_token_id


def test_what_the_template_writes_after_the_end_of_turn_is_cut() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = CHATTY + "{% if add_generation_prompt %}<assistant>{% endif %}"
    example = chat_format.encode_example(tokenizer, "hi", "yo", Frame())
    assert spelled(example.response) == "y|o|<end>"


def test_plain_is_prompt_response_and_end() -> None:
    example = chat_format.encode_example(tiny_tokenizer(), "hi", "yo", Frame(template="plain"))
    assert spelled(example.ids) == "h|i|y|o|<end>"
    assert example.mask == (False, False, True, True, True)


def test_padding_is_on_the_right_and_masked() -> None:
    examples = [chat_format.encode_example(tiny_tokenizer(), "hi", text, Frame()) for text in ("y", "yes")]
    batch = chat_format.pad_batch(examples, 0)
    assert batch.ids[0, -2:].tolist() == [0, 0]
    assert batch.attention.sum(1).tolist() == [len(example.ids) for example in examples]
    assert not bool((batch.mask & (batch.attention == 0)).any())
    assert batch.ids.dtype == torch.int64


def test_a_template_that_rewrites_the_prompt_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{{ messages | length }}" + CHATTY + "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    with pytest.raises(InputError, match="differently once an answer follows"):
        chat_format.encode_example(tokenizer, "hi", "yo", Frame())


def test_no_chat_template_has_a_remedy() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(InputError, match=r"no chat template.*plain"):
        chat_format.encode_prompt(tokenizer, "hi", Frame())
    assert chat_format.encode_prompt(tokenizer, "hi", Frame(template="plain"))


def test_a_template_that_refuses_a_system_prompt_has_a_remedy() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(InputError, match=r"no system role.*frame\.system"):
        chat_format.encode_prompt(tokenizer, "hi", Frame(system="be"))


def test_the_prompt_does_not_depend_on_the_day() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ date_string }}" + tokenizer.chat_template
    )
    assert spelled(chat_format.encode_prompt(tokenizer, "", Frame())).startswith("2|6| |J|u|l| |2|0|2|4")


def test_too_long_a_prompt_names_the_item() -> None:
    item = Item(id="item-7", group="g", prompt="a" * 200)
    with pytest.raises(InputError, match=r"item item-7.*204 tokens and an answer of 32.*context of 128"):
        chat_format.encode_items(tiny_subject(), [item], Frame())
    with pytest.raises(InputError, match=r"row row-7.*206 tokens do not fit"):
        chat_format.encode_rows(tiny_subject(), [("row-7", "a" * 200, "b")], Frame())


def test_the_digest_tells_templates_apart() -> None:
    tokenizer = tiny_tokenizer()
    digests = [
        chat_format.template_digest(tokenizer, frame)
        for frame in (Frame(), Frame(system="be"), Frame(template="plain"), Frame(max_new_tokens=9))
    ]
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3


def test_answers_end_at_the_template_s_end_of_turn() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = tokenizer.chat_template.replace("eos_token", "'<system>'")
    assert chat_format.stop_tokens(tokenizer) == sorted(
        [tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("<system>")]
    )
