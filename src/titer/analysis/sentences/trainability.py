"""What is said of trainability: benign training of the defended beside the undefended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.sentences.text import Text
from titer.records import Outcome

_WORSE = Text(
    "the defended model needs, as read at the doses of the ladder, more than {slack} times the steps of the undefended "
    "one to the target, or ends more than {margin} points below it",
    "按各剂量档的读数，已防御的模型达到目标所需的步数超过未防御模型的 {slack} 倍，或者最终比后者低超过 {margin} 个百分点",
)
QUOTABLE: Final[Mapping[Outcome, Text]] = {
    "upheld": Text(
        f"In at most {{share}} of trainings{{runs}} {_WORSE.en}, on any of {{{{{{tasks}}}}}} at {{rates}} (with "
        "{confidence} confidence).",
        f"在 {{confidence}} 的置信度下，至多在{{share}}的训练中{{runs}}，{_WORSE.zh}；任务为 {{{{{{tasks}}}}}} "
        "中的任何一项，{rates}。",
    ),
    "refuted": Text(
        f"In more than {{share}} of trainings{{runs}} {_WORSE.en}, on one of {{{{{{tasks}}}}}} at {{rates}} (with "
        "{confidence} confidence).",
        f"在 {{confidence}} 的置信度下，在超过{{share}}的训练中{{runs}}，{_WORSE.zh}；任务为 {{{{{{tasks}}}}}} "
        "中的某一项，{rates}。",
    ),
}
ONE_RATE: Final = Text("rate {rate} for both", "两者的学习率都是 {rate}")
BEST_RATES: Final = Text("the best rate of each that the search found", "两者各取搜索所得的最佳学习率")
TRAININGS_NOT_DIVERGED: Final = Text(" among those that did not diverge", "（只就没有发散的训练而言）")

STATES: Final = Text(
    "In {holds} of {seeds} trainings the defended model learned {tasks} in at most {slack} times the steps and ended at "
    "most {margin} points lower; in {fails} it did not; {open} could not be told.",
    "{seeds} 次训练中有 {holds} 次，已防御的模型学会 {tasks} 所需步数不超过 {slack} 倍，且最终至多低 {margin} 个百分点；"
    "{fails} 次没有做到；{open} 次无法判断。",
)
EXHAUSTED: Final = Text(
    "Training of the undefended model diverged in more than {seeds} runs ({reasons}).",
    "未防御模型的训练在超过 {seeds} 次运行中发散（{reasons}）。",
)
UNUSABLE: Final = Text(
    "In {count} trainings the undefended model missed the target, or had reached it at the first dose.",
    "有 {count} 次训练中，未防御的模型没有达到目标，或在第一个剂量档就已达到。",
)
UNTAUGHT: Final = Text(
    "The undefended model itself is not shown to gain {gain} points on {tasks}.",
    "未能证明未防御的模型本身在 {tasks} 上提高 {gain} 个百分点。",
)
AT_EDGE: Final = Text(
    "The best learning rate lies at an edge of the searched grid, widened though it was: {places}.",
    "最佳学习率位于搜索网格的边缘，尽管网格已经扩大：{places}。",
)
UNGUARDED: Final = Text(
    "Over the trainings that held, the mean final difference is not clearly above -{margin} points on {tasks}.",
    "在成立的训练中，{tasks} 的最终平均差没有明显高于 -{margin} 个百分点。",
)
TOO_FEW: Final = Text(
    "Nothing is decided: {seeds} trainings are too few, {needed} are needed.",
    "不作判定：{seeds} 次训练太少，需要 {needed} 次。",
)
REMEDY_VOID: Final = Text(
    "Lower the target, or take a longer or finer ladder or a task that can be learned; use fresh seeds.",
    "请降低目标，或换用更长或更细的剂量档，或换用可以学会的任务；请使用新的种子。",
)
REMEDY_OPEN: Final = Text("Plan more seeds, or more items of the tasks.", "请规划更多种子，或更多任务条目。")
