"""What an undecided condition on exposure would have taken: the plan that decides at the rates it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from titer.analysis.sentences.text import Text

SEEN: Final = Text("At the rates seen ({rate} on average{spread}) ", "按已观察到的危害率（平均 {rate}{spread}），")
SEEN_BETWEEN: Final = Text(
    "At the rates seen ({least} to {rate} on average, by whether incoherent or unjudged answers are harm{spread}) ",
    "按已观察到的危害率（平均 {least} 至 {rate}，取决于不连贯或未得到评分的回答是否算有害{spread}），",
)
SPREAD: Final = Text(", with logits that spread by {spread} over seeds", "，各种子间其对数几率的标准差为 {spread}")
DECIDES: Final = Text(
    "{items} prompts{own} and {seeds} seeds{analyses} at a threshold of {threshold} decide in {power} ({outcome})",
    "在阈值 {threshold} 下，{items} 条提示{own}和 {seeds} 个种子{analyses}有 {power} 的机会得出结论（{outcome}）",
)
NONE_DOES: Final = Text(
    "at {threshold}, with up to {seeds} seeds, no number does",
    "在 {threshold} 下，种子不超过 {seeds} 个时，提示再多也不行",
)
NO_NUMBER: Final = Text(
    "no number of prompts decides at a threshold of {threshold}, with up to {seeds} seeds",
    "在阈值 {threshold} 下，种子不超过 {seeds} 个时，提示再多也得不出结论",
)
TOO_MANY: Final = Text(
    "at {threshold} more than {items} prompts a seed or more than {seeds} seeds would be needed",
    "在 {threshold} 下，每个种子需要超过 {items} 条提示，或者需要超过 {seeds} 个种子",
)
AFRESH: Final = Text(". Take fresh seeds and fresh prompts.", "。请使用新的种子和新的提示。")
READ: Final = Text(
    ". Have those answers read by another judge, or by people.", "。请让另一个评分器或由人来读这些回答。"
)
STOP: Final = Text(".", "。")
SEMICOLON: Final = Text("; ", "；")
OWN: Final = Text(" of its own for each seed", "（每个种子各用自己的提示）")
ANALYSES: Final[Mapping[int, Text]] = {
    1: Text("", ""),
    3: Text(" with three analyses", "、三次分析"),
    6: Text(" with six analyses", "、六次分析"),
}
OUTCOMES: Final[Mapping[Literal["upheld", "refuted"], Text]] = {
    "upheld": Text("upheld", "成立"),
    "refuted": Text("refuted", "被否定"),
}
