"""What a task refers to, read: frozen rows and items, subjects, and the environment that reads them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from titer.errors import RunError
from titer.execution.judging import OpenJudges
from titer.methods.base import Attack
from titer.models.loading import fingerprint
from titer.models.subject import Subject, load
from titer.records import Compute, Environment, Row, Seed, SubjectRef
from titer.study.store import Store, read_rows
from titer.study.tasks import MaterialRef, RowsRef
from titer.training.types import Material, Reward


def material_of(ref: MaterialRef, store: Store, seed: Seed, compute: Compute) -> Material:
    """The rows a method is fed, as one seed draws them; a parent is loaded when the method asks for it."""

    def read(refs: tuple[RowsRef, ...]) -> tuple[Row, ...]:
        return tuple(row for one in refs for row in read_rows(store, one, seed))

    return Material(
        train=lend(read(ref.train), read(ref.lenders)),
        select=read(ref.select),
        harmful=read(ref.harmful),
        benign=read(ref.benign),
        frame=ref.frame,
        plain=ref.frame,
        parent=partial(open_subject, ref.parent, store, compute) if ref.parent else None,
    )


def lend(rows: tuple[Row, ...], lenders: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows, each with the refusal of a lender, in turn; as they are where there are no lenders."""
    if not lenders:
        return rows
    refusals = [lenders[place % len(lenders)].refusal for place in range(len(rows))]
    return tuple(row.model_copy(update={"refusal": one}) for row, one in zip(rows, refusals, strict=True))


def given(attack: Attack, material: Material, dose: int, seed: int, judges: OpenJudges) -> Material:
    """The material as an attack works with it up to a dose: in its own frame, with the judges that reward it.

    Args:
        attack: the attack.
        material: the rows that it is fed.
        dose: the largest dose.
        seed: draws its exemplars.
        judges: opens the judges that reward it, and closes them when the attack is over.
    """
    rewarding = [judges.of(choice) for choice in attack.requires.judges]
    rewards = tuple(Reward(kind=judge.kind, judge=judge.judge) for judge in rewarding)
    return replace(
        material, frame=attack.frame_with_exemplars(material.frame, dose, material.train, seed), rewards=rewards
    )


def open_subject(ref: SubjectRef, store: Store, compute: Compute) -> Subject:
    """Load a subject: a node of the store, or a model from outside, which must be what was frozen.

    Raises:
        RunError: if the model has changed since.
    """
    if ref.source is None:
        source: Mapping[str, Any] = {"model": str(store.read_subject(ref.key)), "trust_remote_code": ref.code}
    else:
        source = ref.source
        _check_source(ref.to_json())
    return load(source, device=compute.device, dtype=compute.dtype)


@lru_cache(maxsize=8)
def _check_source(ref: str) -> None:
    """A model from outside must still be the one that the study was frozen with; looked at once in a process."""
    known = SubjectRef.from_json(ref)
    source = known.source or {}
    if fingerprint(source) != known.key:
        raise RunError(f"{source['model']} is not what the study was frozen with: it has changed since")


def environment(subject: Subject, compute: Compute) -> Environment:
    """What the last bits of this worker's numbers depend on."""
    import peft
    import torch
    import transformers

    return Environment(
        python=platform.python_version(),
        torch=torch.__version__,
        transformers=transformers.__version__,
        peft=peft.__version__,
        device=torch.cuda.get_device_name() if subject.device.type == "cuda" else subject.device.type,
        processor=_processor(),
        threads=torch.get_num_threads(),
        dtype=compute.dtype,
        batch=compute.batch,
    )


@lru_cache(maxsize=1)
def _processor() -> str:
    """The processor's model name where the system tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
