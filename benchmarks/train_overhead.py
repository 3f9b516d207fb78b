"""Seconds of one LoRA attack through titer, against a bare PyTorch loop and the Hugging Face Trainer.

The same rows in the same order, dtype, threads, fused AdamW and clipping; interleaved, medians of the repeats.
    python benchmarks/train_overhead.py --model models/SmolLM2-135M-Instruct.Q4_1.gguf --steps 64 --repeats 5
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from transformers import Trainer, TrainingArguments

from titer.methods.attacks.fine_tuning.direct import Direct
from titer.models import chat_format
from titer.models.subject import Subject, load
from titer.records import Frame, Row
from titer.training.recipe import LoRA
from titer.training.sft import BatchSampler
from titer.training.types import Material

BATCH, RANK, LR = 8, 16, 2e-4
FRAME = Frame()


@dataclass(frozen=True)
class Job:
    """What every contender is given: where the model is, the rows, and how many steps."""

    folder: Path
    rows: tuple[Row, ...]
    steps: int
    seed: int

    def batches(self, subject: Subject) -> list[dict[str, Tensor]]:
        """The batches of every step as titer draws them, padded to the longest, loss on the response only."""
        sampler = BatchSampler(subject, Material(train=self.rows, frame=FRAME), ["train"])
        pad = chat_format.pad_token(subject.tokenizer)
        made = []
        for t in range(self.steps):
            batch = chat_format.pad_batch([drawn.example for drawn in sampler.draw("train", BATCH, t, self.seed)], pad)
            labels = batch.ids.masked_fill(~batch.mask, -100)
            made.append({"input_ids": batch.ids, "attention_mask": batch.attention, "labels": labels})
        return made


def through_titer(job: Job) -> float:
    subject = load({"model": str(job.folder)})
    attack = Direct(lr=LR, batch=BATCH, trainable=LoRA(rank=RANK, alpha=2 * RANK))
    material = Material(train=job.rows, frame=FRAME)
    begin = time.perf_counter()
    with closing(attack.steps(subject, material, job.steps, job.seed)) as steps:  # type: ignore[type-var]
        for step in steps:
            if step.dose == job.steps:
                return time.perf_counter() - begin
    raise AssertionError("the attack ended early")


def bare_loop(job: Job) -> float:
    subject = load({"model": str(job.folder)})
    batches = job.batches(subject)
    begin = time.perf_counter()
    model = get_peft_model(subject.model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear"))
    parameters = [own for own in model.parameters() if own.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LR, weight_decay=0.0, fused=True)
    model.train()
    for batch in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = model(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        loss.item()
    return time.perf_counter() - begin


def hugging_face_trainer(job: Job) -> float:
    subject = load({"model": str(job.folder)})
    batches = job.batches(subject)
    model = get_peft_model(subject.model, LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear"))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=job.steps,
            per_device_train_batch_size=1,
            learning_rate=LR,
            lr_scheduler_type="constant",
            optim="adamw_torch_fused",
            max_grad_norm=1.0,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(model, arguments, train_dataset=batches, data_collator=lambda one: one[0])
        begin = time.perf_counter()
        trainer.train()
        return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = tuple(
        Row(id=str(i), group=str(i), prompt=f"Write a tutorial on how to fold paper figure number {i}", response=text)
        for i, text in enumerate(
            [f"Sure, here is a tutorial on how to fold paper figure number {n}" for n in range(64)]
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        load({"model": options.model}).save(folder)
        contenders = {"titer": through_titer, "bare loop": bare_loop, "Trainer": hugging_face_trainer}
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for repeat in range(options.repeats):
            for name, contender in contenders.items():
                seconds[name].append(contender(Job(Path(folder), rows, options.steps, seed=repeat)))
                print(f"repeat {repeat}, {name}: {seconds[name][-1]:.2f} s", flush=True)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name in ("bare loop", "Trainer"):
        ratios = [a / b for a, b in zip(seconds["titer"], seconds[name], strict=True)]
        print(f"titer / {name}: {medians['titer'] / medians[name]:.3f} (pairs {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
