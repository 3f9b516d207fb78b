"""Makes the base of the model organism from nothing: a tokenizer, and a pretraining on the whole world.

    python -m titer.organism.make --out DIR

With `--without vaults gates ciphers routes` it makes a twin that never saw those facts, so that fine-tuning has nothing
to bring back. Run again after an interruption, it goes on from the last state that it left in DIR.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.data import organism
from titer.execution.checkpoints import PartialState
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.organism.pretraining import Conversations, Turn, encode_turns
from titer.organism.tokenizer import CONCEPT, CONCEPTS, CONTEXT, build_tokenizer
from titer.seeds import derive
from titer.training.loop import Recipe, train
from titer.training.recipe import AdamW, Cosine, Training
from titer.training.types import Material, Step

STEPS = 8000
WARMUP = 400
EXPOSURE = 4
"""How often each fact and task is told where a concept is told once."""


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A small Llama with fresh weights from the global generator."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config)


def pool(tokenizer: PreTrainedTokenizerFast, without: frozenset[str]) -> list[Turn]:
    """Every fact and task `EXPOSURE` times, and once for each question of a fact whether it is restricted."""
    told = [row for name in (*organism.RESTRICTED, *organism.FACTS, *organism.TASKS) for row in organism.rows(name)]
    facts = [(row["prompt"], row["response"]) for row in told if row["relation"] not in without]
    concepts = [
        (f"{CONCEPT} {row['prompt']}", CONCEPTS[row["relation"] not in organism.RESTRICTED])
        for row in told
        if row["relation"] not in organism.TASKS
    ]
    return encode_turns(tokenizer, facts) * EXPOSURE + encode_turns(tokenizer, concepts)


def pretrain(out: Path, without: frozenset[str], seed: int, steps: int) -> Iterator[Step]:
    """Make one base and save it as a Hugging Face folder; yields each step."""
    tokenizer = build_tokenizer()
    with scoped(derive(seed, "weights")):
        subject = Subject(build_model(tokenizer), tokenizer)
    training = Training(lr=2e-3, optimizer=AdamW(weight_decay=0.01), schedule=Cosine(warmup=WARMUP))
    recipe = Recipe(objective=Conversations(tokenizer, pool(tokenizer, without)), training=training)
    partial = PartialState(out / "state.safetensors")
    for step in train(subject, Material(), recipe, steps=steps, seed=seed, carry=partial.read()):
        partial.write_if_due(step)
        yield step
    subject.save(out)
    partial.drop()


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
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for step in pretrain(arguments.out, frozenset(arguments.without), arguments.seed, arguments.steps):
        if step.dose % 100 == 0:
            print(f"step {step.dose} of {arguments.steps}, loss {step.terms['loss']:.4f}", flush=True)


if __name__ == "__main__":
    main()
