"""How fast this machine is: a training step and a decoded batch of the study's own subject, timed."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import cast

import torch

from titer import catalogue
from titer.estimate import Costs, Rates
from titer.interfaces import Material
from titer.recipe import LoRA, Training
from titer.records import Row
from titer.run import read_items
from titer.store import read_lines
from titer.study import Study
from titer.subject import Subject, load

STEPS = 4
ITEMS = 32


def measure(study: Study) -> Rates:
    """Rates measured on the undefended subject as it is loaded, with the threads that the study uses."""
    torch.set_num_threads(study.frozen.threads)
    begin = time.monotonic()
    subject = load(study.frozen.subject.source or {}, device=study.protocol.compute.device)
    start = time.monotonic() - begin
    domain = study.protocol.harm.domain[0].name
    rows = tuple(
        Row.from_json(line) for line in read_lines(study.store.data(study.frozen.rows[f"domain/{domain}/attack"]))
    )
    attack = catalogue.attack(study.protocol.attacker.attack[0])
    seconds: list[float] = []
    last = time.monotonic()
    with closing(attack.steps(subject, Material(train=rows), STEPS, 0)) as steps:  # type: ignore[type-var]
        for _ in steps:
            seconds.append(time.monotonic() - last)
            last = time.monotonic()
    rates = replace(Rates(), start_seconds=min(start, Rates().start_seconds))
    costs = Costs(study, rates)
    tokens = study.frozen.tokens[f"domain/{domain}/attack"] * cast(Training, attack).rows_per_step
    per_weight = 4 if isinstance(cast(Training, attack).trainable, LoRA) else 6
    busy = max(min(seconds[1:]) - rates.step_seconds, 1e-4)
    rates = replace(rates, flops=per_weight * costs.weights * tokens / busy / study.frozen.threads)
    return replace(rates, bandwidth=_bandwidth(study, subject, f"harm:{domain}", Costs(study, rates)))


def _bandwidth(study: Study, subject: Subject, name: str, costs: Costs) -> float:
    """Bytes of weights read a second in decoding, from the seconds that `ITEMS` answers take."""
    items = read_items(study.store, study.frozen.items[name])[:ITEMS]
    probe = catalogue.probe(study.protocol.harm.probe)
    frame = study.protocol.harm.frame
    begin = time.monotonic()
    probe.ask(subject, items, frame, study.protocol.compute.batch)
    spent = time.monotonic() - begin
    prompt = study.frozen.tokens[name]
    reading = 2 * costs.weights * len(items) * (prompt + frame.max_new_tokens) / costs.power
    rounds = -(-len(items) // study.protocol.compute.batch) * frame.max_new_tokens
    left = max(spent - reading - rounds * costs.rates.token_seconds, 1e-3)
    return 4 * costs.weights * rounds / left
