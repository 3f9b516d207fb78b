"""What is said of stability: each task before and after the defense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.sentences.text import Text
from titer.records import Outcome

QUOTABLE: Final[Mapping[Outcome, Text]] = {
    "upheld": Text(
        "{subject} is not worse than {other} by {margin} or more on any of {{{tasks}}} (with {confidence} confidence).",
        "在 {confidence} 的置信度下，{subject}在 {{{tasks}}} 的任何一项上，都没有比{other}差 {margin}或更多。",
    ),
    "refuted": Text(
        "{subject} is worse than {other} by more than {margin} on {{{tasks}}} (with {confidence} confidence).",
        "在 {confidence} 的置信度下，{subject}在 {{{tasks}}} 上比{other}差，且差距超过 {margin}。",
    ),
}
QUOTABLE_OF_METHOD: Final[Mapping[Outcome, Text]] = {
    "upheld": Text(
        "At most {share} of the models that this method makes are worse than {other} by {margin} or more on any of "
        "{{{tasks}}} (with {confidence} confidence).",
        "在 {confidence} 的置信度下，这一方法造出的模型中，至多有{share}在 {{{tasks}}} 的某一项上比{other}差 {margin}或更多。",
    ),
    "refuted": Text(
        "More than {share} of the models that this method makes are worse than {other} by more than {margin} on one of "
        "{{{tasks}}} (with {confidence} confidence).",
        "在 {confidence} 的置信度下，这一方法造出的模型中，有超过{share}在 {{{tasks}}} 的某一项上比{other}差，"
        "且差距超过 {margin}。",
    ),
}
MARGIN: Final = Text("{margin} points", "{margin} 个百分点")
MARGIN_WITH_LOSSES: Final = Text(
    "{margin} points (of losses: by {nats} nats per token on more than {share} of the items)",
    "{margin} 个百分点（就损失而言：在超过 {share} 的条目上差 {nats} 奈特每词元）",
)

TASK_RATE: Final = Text(
    "{task}: {after} of {items} right, {before} before ({change} points; allowed {margin}; limits {low} and {high}): "
    "{judgement}",
    "{task}：{items} 个中答对 {after} 个，之前为 {before} 个（{change} 个百分点；允许 {margin}；界限为 {low} 与 {high}）：{judgement}",
)
TASK_LOSS: Final = Text(
    "{task}: the loss rises by more than {margin} nats on {worse} of {items} items (allowed {share}; limits {low} and "
    "{high}): {judgement}",
    "{task}：{items} 个条目中有 {worse} 个的损失上升超过 {margin} 奈特（允许 {share}；界限为 {low} 与 {high}）：{judgement}",
)
TASK_NOT_ASKED: Final = Text("{task}: not asked", "{task}：未询问")
JUDGEMENTS: Final[Mapping[Outcome, Text]] = {
    "upheld": Text("as good as before, within the margin", "与之前相当，在允许范围之内"),
    "refuted": Text("worse than allowed", "比允许的更差"),
    "undecided": Text("too close to the margin to call", "过于接近允许范围的边界，无法判定"),
    "void": Text("{other} itself is not shown to do better than chance", "未能证明{other}本身好于随机"),
}
ALL_WITHIN: Final = Text("Within the margin on {tasks}.", "在 {tasks} 上都在允许范围之内。")
OF_METHOD: Final = Text(
    "Of {made} models that the method made {holds} are as good as before on every task, {fails} worse than allowed on "
    "some, {open} too close to call.",
    "这一方法造出的 {made} 个模型中，{holds} 个在每项任务上都与之前相当，{fails} 个在某项任务上比允许的更差，"
    "{open} 个过于接近而无法判定。",
)
WORSE_ON: Final = Text("Worse on {tasks}.", "较差的任务：{tasks}。")
UNABLE_ON: Final = Text(
    "{other} itself is not shown to do better than chance on {tasks}.", "未能证明{other}本身在 {tasks} 上好于随机。"
)
REMEDY_VOID: Final = Text(
    "Take tasks that {other} can do, or let them be descriptive.", "请换用{other}能够完成的任务，或者让它们只作描述。"
)
REMEDY_OPEN: Final = Text("Ask more items of these tasks.", "请在这些任务上询问更多条目。")
