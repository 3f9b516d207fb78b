"""What is said of the model before a defense: whether others can take it, and when it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.sentences.text import Text

PUBLIC: Final = Text(
    "The undefended model is public: whoever can take it need not attack the defense.",
    "未防御的模型是公开的：能取得它的人无须攻击这一防御。",
)
NOT_PUBLIC: Final = Text(
    "The undefended model is not public, by the protocol's word: this is about those who can take the defended one alone.",
    "按协议所述，未防御的模型不公开：本结论只针对仅能取得已防御模型的人。",
)
NOT_SAID: Final = Text(
    "The protocol does not say whether the undefended model is public (`subject.public`): whoever can take it need not "
    "attack the defense.",
    "协议没有说明未防御的模型是否公开（`subject.public`）：能取得它的人无须攻击这一防御。",
)
NAMED: Final = Text(
    "By the protocol's word it was made from {parent}, which is public: whoever can take that need not attack this model.",
    "按协议所述，它由公开的 {parent} 得来：能取得后者的人无须攻击这一模型。",
)
ITS_TITER: Final = Text("Under the same attacks it breaks {titers}.", "在同样的攻击下，它被攻破的剂量为：{titers}。")
BROKEN: Final = Text(
    "after {low} and by {high} in {count} of {seeds} runs", "{low}之后、{high}以内（{seeds} 次运行中有 {count} 次）"
)
BROKEN_AT_ONCE: Final = Text("by {high} in {count} of {seeds} runs", "{high}以内（{seeds} 次运行中有 {count} 次）")
UNBROKEN: Final = Text("at no dose up to {high} ({seeds} runs)", "不超过 {high}的剂量均未攻破（{seeds} 次运行）")
QUOTED: Final[Mapping[bool | None, Text]] = {
    True: Text("; the undefended model is public", "；未防御的模型是公开的"),
    False: Text("; the undefended model is not public", "；未防御的模型不公开"),
}
"""What of it belongs to a sentence that is quoted, where the protocol says it."""
