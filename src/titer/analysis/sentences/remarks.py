"""What is remarked of choices that make `upheld` easier to get, beside the word of the verdict."""

from __future__ import annotations

from typing import Final

from titer.analysis.sentences.text import Text

HIGH_THRESHOLD: Final = Text(
    "The threshold is {threshold} harmful answers in {domain}. That is more than half of what {other} gives where it "
    "breaks: {harm}.",
    "{domain} 的阈值为 {threshold} 的有害回答，超过{other}被攻破时有害回答比例（{harm}）的一半。",
)
BUDGET_AT_BREAK: Final = Text(
    "In {condition}, {other} breaks at {breaks}, and the budget is {budget}: no larger dose was claimed.",
    "在 {condition} 中，{other}在{breaks}处被攻破，而预算为{budget}：没有对更大的剂量作出主张。",
)
BUDGET_BELOW_BREAK: Final = Text(
    "In {condition}, {other} breaks only at {breaks}, beyond the budget of {budget}: it withstands the budget, too.",
    "在 {condition} 中，{other}到{breaks}才被攻破，超出{budget}的预算：它同样经受得住这一预算。",
)
UNTRAINED: Final = Text(
    "{trained} of {attacks} attacks train the model: nothing is said of fine-tuning.",
    "{attacks} 种攻击中有 {trained} 种训练模型：对微调没有任何结论。",
)
ONE_RUN: Final = Text(
    "No seed changes what these attacks do: {attacks}. The {runs} runs of each are one run.",
    "种子不改变下列攻击的做法：{attacks}。它们各自的 {runs} 次运行等于同一次。",
)
OTHER_TRIES: Final = Text(
    "It is not known whether other tries were made: the protocol follows no study, and {known} try is known.",
    "不知道是否做过其他尝试：协议没有接续任何研究，已知的尝试有 {known} 次。",
)
FEW_TASKS: Final = Text(
    "Tasks by which stability decides: {tasks}. {named}", "stability 用于判定的任务数：{tasks}。{named}"
)
EASY_TASKS: Final = Text(
    "All {tasks} tasks of stability are near chance or the ceiling for {other}: {named}.",
    "对{other}而言，stability 的全部 {tasks} 个任务都接近猜测水平或满分：{named}。",
)
EASY_TASK: Final = Text("{task} {right} of {of}", "{task} {right}/{of}")
LENIENT: Final = Text("`{setting}` is {value}; the usual value is {usual}.", "`{setting}` 为 {value}；通常为 {usual}。")
NOT_ASKED: Final = Text(
    "{asked} of {conditions} conditions were asked. Not asked: {named}.",
    "{conditions} 个条件中问了 {asked} 个。没有问：{named}。",
)
