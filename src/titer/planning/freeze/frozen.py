"""Everything a protocol points at becomes a digest."""

from __future__ import annotations

import os
from importlib.metadata import version

from titer.models.metadata import ModelMetadata
from titer.planning.attack_facts import attack_facts
from titer.planning.compatibility import check_attacks, check_defenses
from titer.planning.freeze.contents import cut, keep
from titer.planning.freeze.named_models import bases_of, checkpoints_of, reference_of, subject_of
from titer.planning.judge_tasks import judges_of_study
from titer.planning.known_texts import seen_harm
from titer.planning.length_checks import check_exemplars, check_frames
from titer.planning.method_checks import check_methods, check_pairs, check_references
from titer.planning.prior_verdicts import earlier
from titer.protocol.schema import Protocol
from titer.records import Compute
from titer.study.folder import Frozen
from titer.study.store import Store


def freeze(protocol: Protocol, store: Store) -> Frozen:
    """Turn everything the protocol points at into digests, and keep rows and items in the store."""
    check_methods(protocol)
    rows, items, overlaps = cut(protocol)
    check_pairs(protocol, rows)
    check_references(protocol, items)
    metadata = subject_of(protocol)
    tokens = metadata.check_lengths(rows.items(), items.items(), protocol.harm.frame)
    checkpoints, bases = checkpoints_of(protocol), bases_of(protocol)
    released = list(checkpoints.values())[-1].shell if checkpoints else None
    check_defenses(protocol, metadata, checkpoints, bases)
    check_attacks(protocol, rows, metadata.shell, released)
    check_frames(protocol, rows, items, metadata)
    check_exemplars(protocol, rows, items, metadata)
    threads = protocol.compute.threads or _default_threads(metadata)
    own = protocol.compute
    compute = Compute(device=own.device, dtype=own.dtype, threads=threads, batch=own.batch)
    seen = seen_harm(protocol, rows, metadata.tokenizer, compute)
    with store.in_use():
        kept_rows = {name: keep(store, content) for name, content in rows.items()}
        kept_items = {name: keep(store, content) for name, content in items.items()}
    return Frozen(
        titer=version("titer"),
        protocol=protocol,
        subject=metadata.ref,
        reference=reference_of(protocol),
        checkpoints={place: found.ref for place, found in checkpoints.items()},
        parameters=metadata.parameters,
        threads=threads,
        rows=kept_rows,
        items=kept_items,
        item_ids={name: tuple(item.id for item in content) for name, content in items.items()},
        tokens=tokens,
        options={name: sum(len(item.options) for item in asked) / len(asked) for name, asked in items.items()},
        judges=judges_of_study(protocol),
        overlaps=overlaps,
        earlier=earlier(protocol),
        attacks=attack_facts(protocol, items),
        optuna=None if protocol.attacker.search is None else version("optuna"),
        bases={place: found.ref for place, found in bases.items()},
        blocks=metadata.blocks,
        seen_harm=seen,
    )


def _default_threads(metadata: ModelMetadata) -> int:
    """One thread below 10 M parameters, where more only cost; else all cores."""
    small = metadata.parameters is not None and metadata.parameters < 10_000_000
    return 1 if small else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
