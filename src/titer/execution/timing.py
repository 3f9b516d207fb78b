"""A first measurement of this machine: opening the study's own subject, a batch of answers, a few training steps."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import cast

import torch

from titer.execution.inputs import given, material_of, open_subject
from titer.execution.judging import OpenJudges
from titer.methods import registry
from titer.methods.search_configurations import written_of
from titer.planning.cost.model import Costs, Trains, Work
from titer.planning.inputs import Supplies
from titer.protocol.dose_axes import STEPS
from titer.records import Seed
from titer.study.folder import Study
from titer.study.store import read_items
from titer.training.types import Step

TIMED_STEPS = 4
SEED = Seed(purpose="search", index=0)


def measure_speed(study: Study) -> None:
    """Time the subject as it is loaded, on the first domain, and add what was found to the store's runs.jsonl.

    One answer and one step go before those that are timed, since the first ones are slower.
    """
    costs, supplies, compute = Costs(study), Supplies(study), study.frozen.compute
    domain, batch = study.protocol.harm.domain[0], study.protocol.compute.batch
    torch.set_num_threads(study.frozen.threads)
    with _timed(study, Work(tasks=1)):
        subject = open_subject(study.frozen.subject, study.store, compute)
    ref = supplies.harm(domain)
    items, probe = read_items(study.store, ref.items), registry.probe(ref.method)
    probe.ask(subject, items[:1], ref.frame, batch)
    with _timed(study, Work().plus(costs.ask(ref), min(1.0, batch / len(items)))):
        probe.ask(subject, items[:batch], ref.frame, batch)
    for attack in (registry.attack(written_of(choice)) for choice in study.protocol.attacker.attack):
        if not isinstance(attack, Trains) or attack.axis != STEPS or attack.requires.parent == "needed":
            continue
        fed = supplies.material(domain, attack, None)
        with OpenJudges(compute) as judges:
            fed_rows = material_of(fed, study.store, SEED, compute)
            material = given(attack, fed_rows, TIMED_STEPS + 1, SEED.root, judges)
            _time_steps(
                study, attack.steps(subject, material, TIMED_STEPS + 1, SEED.root), costs.step(attack, fed, (ref,))
            )
        return


def _time_steps(study: Study, steps: Iterator[Step], work: Work) -> None:
    with closing(cast(Generator[Step, None, None], steps)):
        next(steps)
        with _timed(study, Work().plus(work, TIMED_STEPS)):
            list(islice(steps, TIMED_STEPS))


@contextmanager
def _timed(study: Study, work: Work) -> Iterator[None]:
    """Time the block, in which this work is done."""
    begin = time.monotonic()
    yield
    study.store.log_run(
        {
            "task": "measure",
            "key": study.frozen.subject.key,
            "work": work._asdict(),
            "wall_seconds": round(time.monotonic() - begin, 3),
            "host": socket.gethostname(),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    )
