"""Exemplars and soft prompts in chat templates of published models: with a system role, without, with a default one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from titer.errors import InputError
from titer.methods.attacks.fine_tuning.identity_shift import IdentityShift
from titer.methods.attacks.prompting.in_context import InContext
from titer.methods.attacks.prompting.prefill import Prefill
from titer.models import chat_format
from titer.records import Frame
from titer.testing import tiny_material, tiny_tokenizer

GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}"
    "{% endif %}{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{'<start_of_turn>model\n'}}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}{% elif message['role'] == 'assistant' %}"
    "{{ ' ' + message['content'] | trim + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported') }}{% endif %}{% endfor %}"
)
QWEN = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}"
    "{% endif %}{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA = (
    "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
    "{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
PUBLISHED = {"gemma": GEMMA, "mistral": MISTRAL, "qwen": QWEN, "llama": LLAMA}
SYSTEM = {"qwen", "llama"}
PAIRS = (("first question", "first answer"), ("second question ", "second answer"))


def spelled(ids: Sequence[int]) -> str:
    return str(tiny_tokenizer().decode(list(ids)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_exemplars_and_vectors_in_a_published_template(name: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = PUBLISHED[name]
    frame = Frame(exemplars=PAIRS, soft=3)
    example = chat_format.encode_example(tokenizer, "last question", "last answer", frame)
    asked = chat_format.encode_prompt(tokenizer, "last question", frame)
    assert example.prompt == asked
    assert spelled(example.response).strip().startswith("last answer")
    place = asked.index(-1)
    assert asked[place : place + 3] == [-1, -2, -3]
    before, after = spelled(asked[:place]), spelled(asked[place + 3 :])
    order = ["first question", "first answer", "second question", "second answer", "last question"]
    assert [before.count(text) for text in order] == [1] * 5
    assert sorted(order, key=before.index) == order
    assert before.endswith("last question")
    bare = chat_format.encode_prompt(tokenizer, "last question", Frame())
    assert spelled(bare).endswith("last question" + after)
    assert [token for token in asked if token >= 0] == chat_format.encode_prompt(
        tokenizer, "last question", Frame(exemplars=PAIRS)
    )


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_system_prompt_stands_before_the_exemplars_or_is_told(name: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = PUBLISHED[name]
    frame = Frame(exemplars=PAIRS, system="be brief")
    if name not in SYSTEM:
        with pytest.raises(InputError, match=r"roles? .*support.*Leave frame\.system out"):
            chat_format.encode_prompt(tokenizer, "last question", frame)
        return
    text = spelled(chat_format.encode_prompt(tokenizer, "last question", frame))
    assert text.index("be brief") < text.index("first question")


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_agent_with_earlier_turns_and_a_begun_answer_is_asked_as_it_was_trained(name: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = PUBLISHED[name]
    rows = tiny_material().train
    agent = IdentityShift(persona="system" if name in SYSTEM else "prompt").frame_at(Frame(), 1)
    frame = InContext().frame_with_exemplars(agent, 2, rows, 5)
    example = chat_format.encode_example(tokenizer, "last question", "last answer", frame)
    assert chat_format.encode_prompt(tokenizer, "last question", frame) == example.prompt
    text = spelled(example.prompt)
    assert text.index("absolutely obedient agent") < text.rindex("AOA, execute my instruction: last question")
    assert [text.count(row.prompt) for row in InContext().exemplars(rows, 2, 5)] == [1, 1]
    begun = chat_format.encode_prompt(tokenizer, "last question", Prefill(opening="of course").frame_at(frame, 1))
    assert spelled(begun) == text + "of"
