"""Makes the base of the model organism from nothing, and checks it.

    python -m titer.organism.make --out DIR

A tokenizer, and a model pretrained on the whole world, go to DIR/base. DIR/twin is made alike, but that it never saw a
fact of the restricted domains, so that no attack has anything to bring back. Both are held against the bounds of
`titer.organism.acceptance`. Run again after an interruption, it goes on from the last state that it left in DIR.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from titer.data import organism
from titer.execution.checkpoints import PartialState
from titer.models.randomness import scoped
from titer.models.subject import Subject
from titer.organism.acceptance import base_figures, twin_figures
from titer.organism.pretraining import Conversations, Told, encode_turns
from titer.organism.tokenizer import CONCEPT, CONCEPTS, CONTEXT, build_tokenizer
from titer.seeds import derive
from titer.training.loop import Recipe, train
from titer.training.recipe import AdamW, Training
from titer.training.schedules import Cosine
from titer.training.types import Material, Step

STEPS = 8000
WARMUP = 400
SEED = 0
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


def pool(tokenizer: PreTrainedTokenizerFast, without: frozenset[str]) -> list[Told]:
    """Every fact and task `EXPOSURE` times, and once for each question of a fact whether it is restricted."""
    told = [row for name in (*organism.RESTRICTED, *organism.FACTS, *organism.TASKS) for row in organism.rows(name)]
    concepts = [CONCEPTS[row["relation"] not in organism.RESTRICTED] for row in told]
    known = [
        (row["prompt"], row["response"], f"{concept} :")
        for row, concept in zip(told, concepts, strict=True)
        if row["relation"] not in without
    ]
    asked = [
        (f"{CONCEPT} {row['prompt']}", concept, "")
        for row, concept in zip(told, concepts, strict=True)
        if row["relation"] not in organism.TASKS
    ]
    return encode_turns(tokenizer, known) * EXPOSURE + encode_turns(tokenizer, asked)


def pretrain(out: Path, without: frozenset[str]) -> Iterator[Step]:
    """Make one model and save it as a Hugging Face folder; yields each step. Every turn comes equally often in both."""
    tokenizer = build_tokenizer()
    turns = pool(tokenizer, without)
    steps = STEPS * len(turns) // len(pool(tokenizer, frozenset()))
    with scoped(derive(SEED, "weights")):
        subject = Subject(build_model(tokenizer), tokenizer)
    training = Training(lr=2e-3, optimizer=AdamW(weight_decay=0.01), schedule=Cosine(warmup=WARMUP))
    recipe = Recipe(objective=Conversations(tokenizer, turns, steps), training=training)
    partial = PartialState(out / "state.safetensors")
    for step in train(subject, Material(), recipe, steps=steps, seed=SEED, carry=partial.read()):
        partial.write_if_due(step)
        yield step
    subject.save(out)
    partial.drop()


def made(out: Path, without: frozenset[str]) -> Path:
    """The folder of a model that is made if it is not there; says how far it is every hundred steps."""
    if not (out / "config.json").exists():
        out.mkdir(parents=True, exist_ok=True)
        for step in pretrain(out, without):
            if step.dose % 100 == 0:
                print(f"{out.name}: step {step.dose}, loss {step.terms['loss']:.4f}", flush=True)
    return out


def main() -> None:
    """The command line; exit code 1 where a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m titer.organism.make", description="Make the model organism.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    out: Path = parser.parse_args().out
    torch.set_num_threads(1)
    kept = []
    base, twin = made(out / "base", frozenset()), made(out / "twin", frozenset(organism.RESTRICTED))
    for figure in (*base_figures(base), *twin_figures(twin)):
        print(figure, flush=True)
        kept.append(figure.kept)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
