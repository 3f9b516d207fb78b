"""The judges of a study, by role and by task, as they enter its keys."""

from __future__ import annotations

from titer.data.identifiers import ProbeId
from titer.methods import registry
from titer.methods.roles import JUDGE_OF_TASK
from titer.protocol.data_sources import TaskConfig
from titer.protocol.defaults import FINGERPRINT
from titer.protocol.schema import Protocol
from titer.records import Choice
from titer.study.judging import JudgeSpec


def judges_of_study(protocol: Protocol) -> dict[str, JudgeSpec]:
    """The grading, the judge of refusal, and for each task its own judge under the name of its probe."""
    grading = protocol.harm.grading
    chosen: dict[str, Choice] = {"harm": grading.harm, "coherence": grading.coherence}
    if grading.second is not None:
        chosen["second"] = grading.second
    if protocol.usability is not None:
        chosen |= {"refusal": protocol.usability.refusal, "distinct": FINGERPRINT}
    if protocol.stability is not None:
        chosen["refusal"] = protocol.stability.refusal
    if protocol.attacker.search is not None and protocol.attacker.search.utility is not None:
        chosen["utility"] = Choice(name=JUDGE_OF_TASK["loss"])
    for task in protocol.task:
        chosen[ProbeId.of("task", task.name)] = task_judge(task)
    return {name: judge_spec(choice) for name, choice in chosen.items()}


def judge_spec(choice: Choice) -> JudgeSpec:
    """A judge as it enters keys."""
    judge = registry.judge(choice)
    return JudgeSpec(choice=choice, configuration=judge.configuration(), kind=judge.kind)


def task_judge(task: TaskConfig) -> Choice:
    """The judge a task names, else the usual one of its kind."""
    return task.judge or Choice(name=JUDGE_OF_TASK[task.kind])
