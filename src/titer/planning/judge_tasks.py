"""Who judges which answers of a cell, and under which key."""

from __future__ import annotations

from titer.methods import registry
from titer.methods.roles import JUDGE_OF_TASK
from titer.protocol.data_sources import TaskConfig
from titer.protocol.schema import Protocol
from titer.records import Choice, digest
from titer.study.tasks import JudgeRef, ProbeRef


def judges_of(protocol: Protocol, cell: str, purpose: str, probes: tuple[ProbeRef, ...]) -> tuple[JudgeRef, ...]:
    """Who judges what: the grading on harm probes, a task's own judge, refusal at dose 0.

    A plain reading of harm has no second judge: no agreement is told of it.
    """
    grading = protocol.harm.grading
    found: list[JudgeRef] = []
    for probe in probes:
        wanted: dict[str, Choice] = {}
        if probe.name.startswith(("harm:", "trial:")):
            wanted = {"harm": grading.harm, "coherence": grading.coherence}
            if grading.second is not None:
                wanted["second"] = grading.second
        elif probe.name.startswith("plain:"):
            wanted = {"harm": grading.harm, "coherence": grading.coherence}
        elif probe.name.startswith(("task:", "select:")):
            task = protocol.task_named(probe.name.split(":", 1)[1])
            wanted = {"loss" if task.kind == "loss" else "correct": task_judge(task)}
        if purpose == "stability" and protocol.stability and not probe.name.startswith("task:"):
            wanted["refusal"] = protocol.stability.refusal
        for role, choice in wanted.items():
            found.append(judge_ref(cell, probe.name, probe.items, choice, role, probe.doses))
    return tuple(found)


def judge_ref(
    cell: str, probe: str, items: str, choice: Choice, role: str, doses: tuple[int, ...] | None = None
) -> JudgeRef:
    """One judge of one probe of a cell, under the key that the three determine."""
    judge = registry.judge(choice)
    key = digest({"node": "judge", "cell": cell, "probe": probe, "judge": judge.configuration()})
    return JudgeRef(key=key, cell=cell, probe=probe, items=items, judge=choice, kind=judge.kind, role=role, doses=doses)


def task_judge(task: TaskConfig) -> Choice:
    """The judge a task names, else the usual one of its kind."""
    return task.judge or Choice(name=JUDGE_OF_TASK[task.kind])
