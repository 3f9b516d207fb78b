"""What the cells of a study are fed and asked: materials and probes, by the digests of their rows and items."""

from __future__ import annotations

from typing import Literal

from titer.data.identifiers import ProbeId, SplitId
from titer.methods.base import Attack
from titer.methods.requires import Need
from titer.methods.roles import PROBE_OF_TASK
from titer.planning.lineage import rows
from titer.protocol.data_sources import DomainConfig, TaskConfig
from titer.records import Choice, SubjectRef
from titer.study.folder import Study
from titer.study.tasks import MaterialRef, ProbeRef


class Supplies:
    """The materials and probes of one study."""

    def __init__(self, study: Study) -> None:
        self.protocol = study.protocol
        self.frozen = study.frozen
        self.frame = study.protocol.harm.frame

    def material(self, domain: DomainConfig, attack: Attack, parent: SubjectRef | None) -> MaterialRef:
        """What an attack is fed in one domain; `parent` is what its subject was made from, if it was."""
        wanted, fed = attack.requires, self.protocol.trained_on(domain)
        return MaterialRef(
            train=rows(self.frozen, SplitId.domain(fed.name, "attack"), fed.draw),
            select=rows(self.frozen, SplitId.domain(fed.name, "select")) if Need.SELECT in wanted.rows else (),
            benign=rows(self.frozen, SplitId.benign("attack")) if Need.BENIGN in wanted.rows else (),
            frame=self.frame,
            parent=None if wanted.parent == "unused" else parent,
        )

    def lesson(self, task: str) -> MaterialRef:
        """The training split of a benign task."""
        return MaterialRef(train=rows(self.frozen, SplitId.task(task, "train")), frame=self.frame)

    def sham(self, material: MaterialRef, attack: Attack) -> MaterialRef:
        """The same material with harmless rows in the place of harmful ones, as many of them.

        An attack that learns from refusals is lent those of the harmful rows.
        """
        draws = [domain.draw for domain in self.protocol.harm.domain if domain.draw is not None]
        benign = rows(self.frozen, SplitId.benign("sham"), max(draws) if draws else None)
        lenders = material.train if Need.PAIRS in attack.requires.rows else ()
        return material.model_copy(update={"train": benign, "lenders": lenders})

    def harm(self, domain: DomainConfig, doses: tuple[int, ...] | None = None, *, place: int | None = None) -> ProbeRef:
        """The harm of a domain, by the items of one place where each has its own."""
        name = ProbeId.of("harm", domain.name, place=place)
        method, items = self.protocol.harm.probe, self.frozen.items[name]
        return ProbeRef(name=name, method=method, items=items, frame=self.frame, doses=doses)

    def harmful(self, domain: DomainConfig) -> ProbeRef:
        """The harmful responses of a domain, whose loss is read."""
        name, method = ProbeId.of("harmful", domain.name), Choice(name=PROBE_OF_TASK["loss"])
        return ProbeRef(name=name, method=method, items=self.frozen.items[name], frame=self.frame)

    def plain(self, domain: DomainConfig, *, place: int | None = None) -> ProbeRef:
        """The harm of a domain as the study asks it, beside the attack's own way; always of all items."""
        name = ProbeId.of("plain", domain.name, place=place)
        return self.harm(domain, place=place).model_copy(update={"name": name, "plain": True})

    def reframed(self, domain: DomainConfig, attack: Attack, *, place: int | None = None) -> ProbeRef:
        """The harm of a domain in the frame of an attack before any of its training; always of all items."""
        name, frame = ProbeId.of("reframed", domain.name, place=place), attack.frame_at(self.frame, 1)
        asked = self.harm(domain, (0,), place=place)
        return asked.model_copy(update={"name": name, "frame": frame, "plain": True})

    def tried(self) -> tuple[ProbeRef, ...]:
        """What a trial is asked: `select` items of a domain, and harmless answers where their loss is a constraint.

        These are asked as the study asks: whether the weights are still of use does not hang on the attack's frame.
        """
        domain = self.protocol.searched_domain
        name = ProbeId.of("trial", domain.name)
        harm = self.harm(domain).model_copy(update={"name": name, "items": self.frozen.items[name]})
        utility = ProbeId.of("utility")
        if utility not in self.frozen.items:
            return (harm,)
        method = Choice(name=PROBE_OF_TASK["loss"])
        return harm, ProbeRef(
            name=utility, method=method, items=self.frozen.items[utility], frame=self.frame, plain=True
        )

    def task(self, task: TaskConfig, part: Literal["task", "select"] = "task", *, place: int | None = None) -> ProbeRef:
        """A benign task, by the items of one place where each has its own."""
        name = ProbeId.of(part, task.name, place=place)
        method = Choice(name=PROBE_OF_TASK[task.kind])
        frame = self.frame.model_copy(update={"max_new_tokens": task.max_new_tokens})
        return ProbeRef(name=name, method=method, items=self.frozen.items[name], frame=frame)

    def harmless(self, kind: Literal["over_refusal", "usable"]) -> ProbeRef:
        """Harmless prompts: those that may look harmful, or those by which a model is shown to be of use."""
        name, method = ProbeId.of(kind), self.protocol.harm.probe
        return ProbeRef(name=name, method=method, items=self.frozen.items[name], frame=self.frame)
