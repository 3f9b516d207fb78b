"""Seconds of batched decoding through titer, against plain batched `generate` and against item by item.

python benchmarks/decode.py --model models/SmolLM2-135M-Instruct.Q4_1.gguf --items 40 --repeats 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from titer.methods.probes.generate import Generate
from titer.models import chat_format
from titer.models.subject import Subject, load
from titer.records import Frame, Item

NEW_TOKENS = 32
FRAME = Frame(max_new_tokens=NEW_TOKENS)


def through_titer(subject: Subject, items: tuple[Item, ...], batch: int) -> float:
    begin = time.perf_counter()
    Generate().ask(subject, items, FRAME, batch)
    return time.perf_counter() - begin


def plain_generate(subject: Subject, items: tuple[Item, ...], batch: int) -> float:
    """What a user would write: the tokenizer pads on the left, in the order of the items' lengths."""
    tokenizer = subject.tokenizer
    tokenizer.padding_side = "left"
    begin = time.perf_counter()
    messages = [[{"role": "user", "content": item.prompt}] for item in items]
    texts = [tokenizer.apply_chat_template(m, tokenize=False, add_generation_prompt=True) for m in messages]
    texts.sort(key=len, reverse=True)
    with torch.inference_mode():
        for start in range(0, len(texts), batch):
            inputs = tokenizer(
                texts[start : start + batch], return_tensors="pt", padding=True, add_special_tokens=False
            )
            generate: Any = subject.model.generate
            output = generate(
                input_ids=inputs.input_ids,
                attention_mask=inputs.attention_mask,
                do_sample=False,
                max_new_tokens=NEW_TOKENS,
                eos_token_id=chat_format.stop_tokens(tokenizer),
                pad_token_id=chat_format.pad_token(tokenizer),
                temperature=None,
                top_p=None,
            )
            tokenizer.batch_decode(output[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--batch", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    subject = load({"model": options.model})
    items = tuple(
        Item(
            id=str(i), group=str(i), prompt=f"Tell me a short story about the number {i}{' and its friends' * (i % 4)}."
        )
        for i in range(options.items)
    )
    contenders: dict[str, Callable[[], float]] = {
        "titer": lambda: through_titer(subject, items, options.batch),
        "plain generate": lambda: plain_generate(subject, items, options.batch),
        "item by item": lambda: through_titer(subject, items, 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    through_titer(subject, items[:2], 2)
    for repeat in range(options.repeats):
        for name, contender in contenders.items():
            seconds[name].append(contender())
            print(f"repeat {repeat}, {name}: {seconds[name][-1]:.2f} s", flush=True)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"titer / plain generate: {medians['titer'] / medians['plain generate']:.3f}")
    print(f"item by item / titer: {medians['item by item'] / medians['titer']:.2f}")


if __name__ == "__main__":
    main()
