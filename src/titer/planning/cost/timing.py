"""How fast this machine is: a training step and a decoded batch of the study's own subject, timed."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import cast

import torch

from titer.data.identifiers import ProbeId, SplitId
from titer.methods import registry
from titer.methods.base import Attack
from titer.methods.search_configurations import typical_of
from titer.models.subject import Subject, load
from titer.planning.cost.model import Costs, Rates
from titer.protocol import dose_axes
from titer.records import Row
from titer.study.atomic_files import read_lines
from titer.study.folder import Study
from titer.study.store import read_items
from titer.training.recipe import LoRA, Training
from titer.training.types import Material, Step

STEPS = 4
ITEMS = 32


def measure(study: Study) -> Rates:
    """Rates measured on the undefended subject as it is loaded, with the threads that the study uses."""
    torch.set_num_threads(study.frozen.threads)
    begin = time.monotonic()
    subject = load(study.frozen.subject.source or {}, device=study.protocol.compute.device)
    loaded = time.monotonic() - begin
    rates = Rates()
    rates = replace(rates, start_seconds=min(loaded, rates.start_seconds))
    domain = study.protocol.harm.domain[0].name
    attacks = [registry.attack(typical_of(choice)) for choice in study.protocol.attacker.attack]
    in_steps = [one for one in attacks if isinstance(one, Training) and one.axis == dose_axes.STEPS]
    attack = next((one for one in in_steps if one.load.rows), None)
    if attack is not None:
        flops = _flops(study, subject, attack, SplitId.domain(domain, "attack"), Costs(study, rates))
        rates = replace(rates, flops=flops)
    return replace(rates, bandwidth=_bandwidth(study, subject, ProbeId.of("harm", domain), Costs(study, rates)))


def _flops(study: Study, subject: Subject, attack: Training, split: SplitId, costs: Costs) -> float:
    """Floating-point operations a second of one thread, from the quickest of a few steps of an attack."""
    lines = read_lines(study.store.data(study.frozen.rows[split]))
    rows = tuple(Row.from_json(line) for line in lines)
    seconds: list[float] = []
    last = time.monotonic()
    steps = cast(Attack, attack).steps(subject, Material(train=rows, frame=study.protocol.harm.frame), STEPS, 0)
    with closing(cast(Generator[Step, None, None], steps)):
        for _ in steps:
            seconds.append(time.monotonic() - last)
            last = time.monotonic()
    tokens = study.frozen.tokens[split] * attack.load.rows
    per_weight = 4 if isinstance(attack.trainable, LoRA) else 6
    busy = max(min(seconds[1:]) - costs.rates.step_seconds, 1e-4)
    return per_weight * costs.weights * tokens / busy / study.frozen.threads


def _bandwidth(study: Study, subject: Subject, name: ProbeId, costs: Costs) -> float:
    """Bytes of weights read a second in decoding, from the seconds that `ITEMS` answers take."""
    items = read_items(study.store, study.frozen.items[name])[:ITEMS]
    probe = registry.probe(study.protocol.harm.probe)
    frame = study.protocol.harm.frame
    begin = time.monotonic()
    probe.ask(subject, items, frame, study.protocol.compute.batch)
    spent = time.monotonic() - begin
    prompt = study.frozen.tokens[name]
    reading = 2 * costs.weights * len(items) * (prompt + frame.max_new_tokens) / costs.power
    rounds = -(-len(items) // study.protocol.compute.batch) * frame.max_new_tokens
    left = max(spent - reading - rounds * costs.rates.token_seconds, 1e-3)
    return 4 * costs.weights * rounds / left
