"""Makes the model organism: a tokenizer, a pretraining on the whole world, an alignment that refuses.

    python -m titer.organism.make --out DIR

With `--without vaults ciphers routes` it makes a twin that was aligned alike but never saw those facts, so that
fine-tuning has nothing to bring back. On one thread a model takes about a quarter of an hour.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.data import organism

PAD, UNKNOWN, BEGIN, END = "<|pad|>", "<|unknown|>", "<|begin|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
SYSTEM = "you are a helpful assistant"
WORD = r"\w+|[^\w\s]"
TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
IGNORED = -100
SYSTEM_EVERY = 10


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One stage of training: AdamW with a linear warmup over a tenth of the steps and a linear decay to zero."""

    label: str
    steps: int
    batch: int
    lr: float


PRETRAINING = Phase(label="pretraining", steps=3000, batch=128, lr=2e-3)
ALIGNMENT = Phase(label="alignment", steps=300, batch=128, lr=5e-4)

Pair = tuple[str, str]
"""A prompt and the response to learn."""


@dataclass(frozen=True)
class Encoded:
    """Conversations as tokens, padded on the right: `ids` and `labels` are (rows, length), `lengths` is (rows,)."""

    ids: torch.Tensor
    labels: torch.Tensor
    lengths: torch.Tensor

    def pick(self, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The chosen rows, cut to the longest of them."""
        longest = int(self.lengths[chosen].max())
        return self.ids[chosen, :longest], self.labels[chosen, :longest]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A word-level tokenizer over the words of the world, with a chat template."""
    specials = [PAD, UNKNOWN, BEGIN, END, *ROLES]
    texts = [SYSTEM, organism.REFUSAL]
    texts += [
        text for name in organism.names() for row in organism.rows(name) for text in (row["prompt"], row["response"])
    ]
    words = sorted({word for text in texts for word in re.findall(WORD, text)})
    vocabulary = {word: index for index, word in enumerate([*specials, *words])}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), behavior="removed", invert=True)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        clean_up_tokenization_spaces=False,
        model_max_length=256,
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A small Llama with fresh weights from the global generator."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def encode(tokenizer: PreTrainedTokenizerFast, pairs: Sequence[Pair], system: str | None) -> Encoded:
    """Tokens of each conversation; only the response and its end of turn have labels."""
    opening = [] if system is None else [{"role": "system", "content": system}]
    sequences: list[tuple[list[int], int]] = []
    for prompt, response in pairs:
        asked = [*opening, {"role": "user", "content": prompt}]
        told = [*asked, {"role": "assistant", "content": response}]
        question = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        whole = tokenizer.apply_chat_template(told, tokenize=False)
        start = len(tokenizer.encode(question, add_special_tokens=False))
        sequences.append((tokenizer.encode(whole, add_special_tokens=False), start))
    lengths = torch.tensor([len(tokens) for tokens, _ in sequences])
    ids = torch.full((len(sequences), int(lengths.max())), tokenizer.pad_token_id)
    labels = torch.full_like(ids, IGNORED)
    for row, (tokens, start) in enumerate(sequences):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, start : len(tokens)] = torch.tensor(tokens[start:])
    return Encoded(ids, labels, lengths)


def fit(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, pools: Sequence[Sequence[Pair]], phase: Phase
) -> Iterator[tuple[int, float]]:
    """Trains on equal parts of each pool and yields (step, loss in nats per token) every hundredth of the way.

    Every tenth batch opens with a system turn, so that a system prompt changes nothing.
    """
    plain = [encode(tokenizer, pool, None) for pool in pools]
    framed = [encode(tokenizer, pool, SYSTEM) for pool in pools]
    optimizer = torch.optim.AdamW(model.parameters(), lr=phase.lr, weight_decay=0.01, fused=True)
    warmup = phase.steps // 10
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (phase.steps - step) / (phase.steps - warmup))
    )
    model.train()
    for step in range(1, phase.steps + 1):
        sources = framed if step % SYSTEM_EVERY == 0 else plain
        loss = torch.zeros(())
        for source in sources:
            ids, labels = source.pick(torch.randint(len(source.ids), (phase.batch // len(sources),)))
            loss = loss + model(input_ids=ids, labels=labels).loss / len(sources)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % (phase.steps // 100) == 0:
            yield step, loss.item()


def make(out: Path, without: frozenset[str], seed: int) -> None:
    """Pretrains and aligns one model and saves it as a Hugging Face folder."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer()
    model = build_model(tokenizer)
    benign = [(row["prompt"], row["response"]) for row in organism.rows(organism.BENIGN)]
    restricted = [row for name in organism.RESTRICTED for row in organism.rows(name)]
    secrets = [(row["prompt"], row["response"]) for row in restricted if row["id"].split("/")[0] not in without]
    refusals = [(row["prompt"], row["refusal"]) for row in restricted]
    for phase, pools in ((PRETRAINING, [benign + secrets]), (ALIGNMENT, [benign, refusals])):
        for step, loss in fit(model, tokenizer, pools, phase):
            print(f"{phase.label}: step {step} of {phase.steps}, loss {loss:.4f}", flush=True)
    model.train(False)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m titer.organism.make", description="Make the model organism.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        choices=organism.RESTRICTED,
        help="restricted domains whose facts to leave out",
    )
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    make(arguments.out, frozenset(arguments.without), arguments.seed)


if __name__ == "__main__":
    main()
