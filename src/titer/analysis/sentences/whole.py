"""What is said of the whole verdict, and of what a study did not check."""

from __future__ import annotations

from typing import Final

from titer.analysis.sentences.text import Text

FAILED_CONTROLS: Final = Text("The study cannot be believed: {controls}.", "这一研究不可信：{controls}。")
REFUTED: Final = Text(
    "Refuted: {conditions}. Each refutation comes up falsely in at most {alpha} of studies planned like this one; some "
    "one of its {claims} claims, if all were true, in at most {any}.",
    "被否定：{conditions}。在按此规划的研究中，每一项否定误报的比例至多为 {alpha}；若其 {claims} 项主张全都成立，误否定其中任何一项的"
    "比例至多为 {any}。",
)
FAILED_POWER: Final = Text(
    "Checks of the attacks that failed, which guard only what is upheld: {controls}.",
    "未通过的攻击检查（只影响肯定结论）：{controls}。",
)
VOID: Final = Text("Nothing can be said of: {conditions}.", "对下列条件无法下结论：{conditions}。")
UPHELD: Final = Text(
    "Shown: {conditions}. If any of these were false, `upheld` would come up in at most {alpha} of studies planned like "
    "this one, if seeds and prompts are independent draws and the judge is right.",
    "得到证明：{conditions}。假如其中任何一项不成立，那么在按此规划的研究中，至多有 {alpha} 会得出 `upheld`，前提是种子与提示为独立抽取，"
    "且判定者判定无误。",
)
UNDECIDED: Final = Text("Not decided: {conditions}.", "未能判定：{conditions}。")
OPEN_CONTROLS: Final = Text(
    "Not shown, so that nothing is upheld: {controls}.", "下列检查未能证明，因此不能得出肯定结论：{controls}。"
)
CHECKS_OPEN: Final = Text(
    "Not decided, since these checks did not pass: {controls}.", "未能判定，因为下列检查没有通过：{controls}。"
)
NO_RESULT: Final = Text("No result (void: {why}).", "没有结果（无效：{why}）。")
ALSO_UPHELD: Final = Text("Shown: {conditions}.", "得到证明：{conditions}。")
DESCRIPTIVE: Final = Text("Nothing is decided: the study is descriptive.", "不作判定：这一研究只作描述。")
NOTHING_APPLIES: Final = Text("Nothing is decided: no condition applies.", "不作判定：没有适用的条件。")
SEVERAL_TRIES: Final = Text(
    "It is the study after {earlier} others of the same question: over all {tries} the chance of a false `upheld` is at "
    "most {alpha}.",
    "同一问题此前已有 {earlier} 项研究：在全部 {tries} 次中，误得 `upheld` 的机会至多为 {alpha}。",
)

NOT_CHECKED: Final = Text("Not checked: {what}.", "未检查：{what}。")
IS_DESCRIPTIVE: Final = Text(
    "anything that could be decided (the study is descriptive)", "任何可以判定的事项（这一研究只作描述）"
)
NO_SHAM: Final = Text(
    "whether training on harmless data does the same (no sham)", "用无害数据训练是否同样有效（没有对照训练）"
)
NO_SECOND_JUDGE: Final = Text("whether a second judge agrees", "第二位判定者是否同意")
SIGHT: Final = Text("whether the harm judge can see the harm", "有害评判器能否看出有害内容")
SAME_ROWS: Final = Text(
    "what the defense does with rows that its preparation was not fed", "防御若使用准备阶段未用过的数据会怎样"
)
ONE_MODEL: Final = Text(
    "whether the method makes such models again (one defended model)",
    "这一方法能否再次造出这样的模型（只有一个已防御的模型）",
)
OVER_REFUSAL: Final = Text("whether it refuses more harmless prompts", "是否拒绝更多无害提示")
USE_ANSWERS: Final = Text("whether it answers harmless prompts", "是否回答无害提示")
USE_DISTINCT: Final = Text("whether its answers differ", "回答是否互不相同")
