"""M and M*: which makes lead to a subject, first to last, and under which keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from titer.data.identifiers import SplitId
from titer.methods import registry
from titer.methods.base import Defense
from titer.methods.roles import NO_DEFENSE
from titer.models import chat_format
from titer.records import Purpose, Role, Seed, SubjectRef, digest
from titer.study.folder import Frozen, Study
from titer.study.tasks import MakeTask, MaterialRef, RowsRef
from titer.training import loop

PREPARED = Seed(purpose="prepare", index=0)


@dataclass(frozen=True)
class Lineage:
    """A subject, and the makes that lead to it in order (none for a model that is loaded as it is)."""

    ref: SubjectRef
    makes: tuple[MakeTask, ...] = ()

    def beside(self, other: Lineage) -> Lineage:
        """The subject of this one, once both are made."""
        return Lineage(self.ref, tuple({make.key: make for make in (*other.makes, *self.makes)}.values()))


def lineages(study: Study, index: int, purpose: Purpose = "verdict") -> dict[Role, Lineage]:
    """The subjects of the replicate with this seed index, by the part they play; `purpose` is that of the seed.

    Without a defense the subject itself is assayed in the part of M*, and the reference, if one is named, plays M.
    """
    undefended = _prepared(study)
    if not study.protocol.defended:
        reference = study.frozen.reference
        part: dict[Role, Lineage] = {"undefended": _loaded(study.frozen, reference)} if reference else {}
        return {**part, "defended": undefended}
    return {"undefended": undefended, "defended": _defended(study, undefended, index, purpose)}


def node_key(kind: str, frozen: Frozen, parts: dict[str, Any]) -> str:
    """The key of a node: the digest of all that determines it, the kind of device and the engine included."""
    compute = frozen.protocol.compute
    engine = [chat_format.ENGINE, loop.ENGINE]
    return digest({"node": kind, "engine": engine, "dtype": compute.dtype, "device": compute.device, **parts})


def rows(frozen: Frozen, name: SplitId, draw: int | None = None) -> tuple[RowsRef, ...]:
    """The frozen rows of a split, none where the split does not exist."""
    found = frozen.rows.get(name)
    return (RowsRef(digest=found, draw=draw),) if found else ()


def _loaded(frozen: Frozen, ref: SubjectRef) -> Lineage:
    """A model from outside; what is not an ordinary folder (GGUF, adapter) is copied into the store once."""
    source = ref.source or {}
    if not source.get("base") and not str(source.get("model", "")).endswith(".gguf"):
        return Lineage(ref)
    task = MakeTask(
        key=node_key("make", frozen, {"copy of": ref.key}),
        role="a copy of the given model",
        parent=ref,
        defense=None,
        material=MaterialRef(),
        seed=PREPARED,
        compute=frozen.compute,
    )
    return Lineage(ref.made(task.key), (task,))


def _prepared_rows(frozen: Frozen, domain: str) -> tuple[RowsRef, ...]:
    """What the preparation is fed of a domain: its own split, else that of the defense."""
    own = rows(frozen, SplitId.domain(domain, "prepare"))
    return own or rows(frozen, SplitId.domain(domain, "defend"))


def _prepared(study: Study) -> Lineage:
    """The undefended subject: the model, or what the last step of its preparation makes of it."""
    frozen, lineage = study.frozen, _loaded(study.frozen, study.frozen.subject)
    steps = study.protocol.subject.preparation
    for number, (place, step) in enumerate(steps.items(), start=1):
        material = MaterialRef(
            train=tuple(ref for name in step.teaches for ref in rows(frozen, SplitId.knowledge(name))),
            harmful=tuple(ref for name in step.domains for ref in _prepared_rows(frozen, name)),
            benign=rows(frozen, SplitId.benign("prepare")),
            frame=study.protocol.harm.frame,
        )
        role = "the undefended subject, prepared" + _numbered(number, len(steps))
        lineage = _made(study, place, lineage, material, PREPARED, role)
    return lineage


def _defended(study: Study, parent: Lineage, index: int, purpose: Purpose) -> Lineage:
    """The chain of defenses, each a node of the store that is made of the one before.

    One checkpoint is made once; a claim about the method makes one for every seed.
    """
    method = study.protocol.study.claim == "this method"
    seed = Seed(purpose=purpose, index=index) if method else Seed(purpose="verdict", index=0)
    harmful: tuple[RowsRef, ...] = ()
    for domain in study.protocol.domains("defended"):
        harmful += rows(study.frozen, SplitId.domain(domain.name, "defend"))
    material = MaterialRef(
        harmful=harmful, benign=rows(study.frozen, SplitId.benign("defend")), frame=study.protocol.harm.frame
    )
    lineage, chain = parent, study.protocol.defense
    for place, choice in enumerate(chain):
        if choice.name == NO_DEFENSE:
            continue
        if (given := study.frozen.checkpoints.get(str(place))) is not None:
            lineage = _loaded(study.frozen, given)
            continue
        role = f"the defended subject, {choice.name}" + _numbered(place + 1, len(chain))
        lineage = _made(study, f"defense.{place}", lineage, material, seed, role)
    return lineage


def _first_stage(parent: Lineage, name: str) -> MakeTask | None:
    """The last make of a subject, where its method is the first stage of the named one."""
    last = parent.makes[-1] if parent.makes else None
    if last is None or last.defense is None or registry.defense(last.defense).first_stage_of != name:
        return None
    return last


def _numbered(number: int, steps: int) -> str:
    """Which of several steps it is; nothing where there is one."""
    return f" ({number} of {steps})" if steps > 1 else ""


def _made(study: Study, place: str, parent: Lineage, material: MaterialRef, seed: Seed, role: str) -> Lineage:
    """What the method at a place of the protocol makes of a subject."""
    choice = study.protocol.stages[place]
    method: Defense = registry.defense(choice)
    if method.requires.parent != "unused":
        base = study.frozen.bases.get(place, study.frozen.subject)
        material = material.model_copy(update={"parent": base})
    elif (before := _first_stage(parent, choice.name)) is not None:
        material = material.model_copy(update={"parent": before.parent})
    parts = {
        "method": method.configuration(),
        "parent": parent.ref.key,
        "material": material.identity(),
        "seed": seed.to_data(),
    }
    task = MakeTask(
        key=node_key("make", study.frozen, parts),
        role=role,
        parent=parent.ref,
        defense=choice,
        material=material,
        seed=seed,
        compute=study.frozen.compute,
    )
    return Lineage(parent.ref.made(task.key), (*parent.makes, task))
