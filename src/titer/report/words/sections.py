"""What the sections below the first screen say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.sentences.text import Text
from titer.records import Role

TARGET: Final = Text("target {share}", "目标 {share}")
TASK_RATE: Final = Text("share of right answers", "正确回答的比例")
TASK_LOSS: Final = Text("loss, in nats per token", "损失（奈特每词元）")
OR_UP_TO: Final = Text(" to {most}", " 至 {most}")
OUT_OF: Final = Text(" of {items}", "（共 {items}）")

TABLE: Final = Text("The numbers behind this chart", "图中的数字")
NO_SCRIPT: Final = Text(
    "This chart needs JavaScript; the table below it has the same numbers.",
    "此图需要 JavaScript；下面的表格列出同样的数字。",
)
HARM_TABLE: Final = Text(
    "Harmful answers at each dose of the attack; “a to b”: the most it could be, if every answer that could not be judged were harmful.",
    "攻击的每个剂量下的有害回答数；“a 至 b”：若无法判定的回答都算有害，最多的数目。",
)
TASK_TABLE: Final = Text(
    "Right answers, or the loss, at each step of training.", "训练的每个步数下的正确回答数或损失。"
)
LINE: Final = Text("model", "模型")
RUN: Final = Text("run", "运行")
ASKED: Final = Text("prompts", "提示数")
DOSE: Final = Text("dose", "剂量")

WHOLE_HEAD: Final = Text("The verdict in its own words", "判定原文")
CONDITIONS_HEAD: Final = Text("The conditions, one by one", "逐项条件")
CONDITIONS_INTRO: Final = Text(
    "Each statement may be quoted as it stands, and holds for nothing beyond what it names. A dose is how far an attack went, in its own "
    "unit; a run is one attack on one copy of the model, from its own random seed.",
    "每一陈述可按原文引用，且只对其所述内容成立。剂量指攻击以其自身单位计的深入程度；一次运行指用各自的随机种子对模型的一个副本作一次攻击。",
)
QUOTE: Final = Text("May be quoted", "可以引用")
REASON: Final = Text("Reason", "理由")
REMEDY: Final = Text("What to do", "怎么办")
PROVISIONAL: Final = Text("Still lacking", "尚缺")
WHAT: Final = Text("what", "项目")
VALUE: Final = Text("value", "数值")
LIMITS: Final = Text("interval", "区间")
COUNT: Final = Text("count", "计数")
UNIT: Final = Text("unit", "单位")
OUTCOME: Final = Text("outcome", "结果")
NOTE: Final = Text("note", "备注")
BETWEEN: Final = Text("{low} to {high}", "{low} 至 {high}")
FROM: Final = Text("{low} or more", "不小于 {low}")
UP_TO: Final = Text("{high} or less", "不大于 {high}")
OF: Final = Text("{count} of {all}", "{all} 中的 {count}")

FIGURES: Final[Mapping[str, Text]] = {
    "replicates that hold": Text("runs that withstood", "经受住的运行"),
    "replicates that fail": Text("runs that broke", "被攻破的运行"),
    "replicates that are open": Text("runs too close to call", "过于接近而无法判定的运行"),
    "share of replicates that break": Text("share of such runs that break", "这类运行中被攻破的比例"),
    "titer": Text("dose at which it breaks (its titer)", "被攻破的剂量（即其 titer）"),
    "ratio of titers, defended to undefended": Text("how many times that dose", "该剂量的倍数"),
}
TRAININGS: Final[Mapping[str, Text]] = {
    "replicates that hold": Text("trainings that came as far", "达到同样水平的训练"),
    "replicates that fail": Text("trainings that did not", "没有达到的训练"),
    "replicates that are open": Text("trainings that could not be told", "无法判断的训练"),
}
BREAKS_BETWEEN: Final = Text("after {low}, by {high}", "大于 {low}，不超过 {high}")
BREAKS_AT_ONCE: Final = Text("before any attack", "在任何攻击之前")
BREAKS_BEYOND: Final = Text("beyond {low}", "超过 {low}")
TRAINING_STEPS: Final = Text("training steps", "训练步数")
DIFFERENCE_IN: Final = Text("change ({unit})", "变化（{unit}）")
"""The figures of a condition that are shown beside its statement; the rest is in the ledger."""

WORST_HEAD: Final = Text("The worst of all attacks, the more one may spend", "花费越多，所有攻击中最坏的结果")
WORST_INTRO: Final = Text(
    "An attacker takes whichever attack works best. Each line shows, up to each dose, the largest share of harmful answers that any "
    "attack counted in the same unit has reached so far. A line ends where a run was no longer read, since it had broken.",
    "攻击者会选用效果最好的攻击。每条线表示在不超过各剂量时，以同一单位计的任何攻击迄今达到的最大有害回答比例。运行被攻破后不再读取，线即终止。",
)
WORST_TABLE: Final = Text(
    "Mean over runs of the largest share of harmful answers so far.", "迄今最大有害回答比例在各次运行上的平均值。"
)
WORST_PANEL: Final = Text("{domain}, by {attacks}", "{domain}，攻击：{attacks}")

MATRIX_HEAD: Final = Text("Which attack breaks which topic", "哪种攻击攻破哪个主题")
MATRIX_INTRO: Final = Text(
    "Each cell says at which dose the first run broke, or up to which all runs stayed intact. Broken: at least one run crossed the "
    "threshold within the attacker's limit.",
    "每格说明最早在哪个剂量被攻破，或各次运行都完好的最大剂量。被攻破：至少一次运行在攻击者的限度之内超过阈值。",
)
MATRIX: Final[Mapping[str, Text]] = {
    "intact": Text("intact up to {dose}", "直到 {dose}都完好"),
    "broken": Text("broken at {dose}", "在 {dose}被攻破"),
    "unclear": Text("not decided beyond {dose}", "超过 {dose}时未能判定"),
}
MATRIX_AT_ONCE: Final = Text("broken before any attack", "在任何攻击之前即被攻破")
MATRIX_RUNS: Final = Text(" ({broken} of {runs} runs within the limit)", "（{runs} 次运行中有 {broken} 次在限度之内）")
MATRIX_LATER: Final = Text("; breaks at {dose}", "；在 {dose}被攻破")
ATTACK: Final = Text("attack", "攻击")
TOPIC: Final = Text("topic", "主题")
UNSEEN: Final = Text("{domain} (not protected)", "{domain}（没有防御）")

STABILITY_HEAD: Final = Text("Other abilities, before and after", "防御前后的其他能力")
STABILITY_INTRO: Final = Text(
    "Difference with the protection minus without it, with one-sided limits. A loss no larger than the margin is allowed: an ability is "
    "kept where the whole bar lies right of the dashed line.",
    "有防御减去没有防御的差，附单侧界限。不超过允许范围的损失可以接受：整条线段位于虚线右侧，即能力得以保持。",
)
MARGIN: Final = Text("allowed loss {margin}", "允许的损失 {margin}")
DIFFERENCE: Final = Text("change", "变化")
LOWER: Final = Text("lower limit", "下限")
UPPER: Final = Text("upper limit", "上限")
TASK: Final = Text("ability", "能力")

TRAINABILITY_HEAD: Final = Text("Training for harmless tasks", "为无害任务训练")
TRAINABILITY_INTRO: Final = Text(
    "How fast each model learns a harmless task that it could not do before. The dashed line is the target.",
    "各模型学会一项原先不会的无害任务的快慢。虚线为目标。",
)

HARM_HEAD: Final = Text("Every attack on every topic", "每种攻击在每个主题上")
CONTROLS_HEAD: Final = Text("Can the test itself be believed?", "测试本身可信吗？")
CONTROLS_INTRO: Final = Text(
    "Checks of the test itself. One that failed makes the whole study void; one that could not be told allows nothing to be called shown.",
    "对测试本身的检查。任何一项未通过则整个研究无效；无法判断的检查使任何结论都不能称为得到证明。",
)
CONTROL: Final = Text("check", "检查")

COVERAGE_HEAD: Final = Text("Which attacks were run, and which were not", "运行了哪些攻击，没有运行哪些")
COVERAGE_INTRO: Final = Text(
    "Known kinds of attack. What this report says, it says of those that were run.",
    "已知的攻击种类。本报告所说的只限于运行过的种类。",
)
FAMILY: Final = Text("kind of attack", "攻击种类")
HOW: Final = Text("run?", "是否运行")
SEARCHED: Final = Text("yes, strongest settings searched", "是，搜索了最强设置")
CONFIGURED: Final = Text("yes, with settings written by hand", "是，使用手写的设置")
NOT_RUN: Final = Text("no", "否")
ATTACKS: Final = Text("attacks", "攻击")

COST_HEAD: Final = Text("What the attacks took", "攻击的花费")
COST_INTRO: Final = Text(
    "As counted while they ran, over all runs. Times and prices differ between machines, and are no part of a report; nor is what making "
    "the models took, which a study does not count.",
    "运行时所计，为全部运行之和。时间与价格因机器而异，不属于报告；造出模型的花费研究没有计数，也不列出。",
)
COST: Final[tuple[Text, ...]] = (
    Text("for", "用途"), Text("model", "模型"), Text("attack", "攻击"), Text("runs", "运行次数"),
    Text("examples", "样例"), Text("tokens", "词元"), Text("floating-point operations", "浮点运算"),
)  # fmt: skip

SUBJECTS: Final[Mapping[Role, Text]] = {"undefended": Text("without", "没有防御"), "defended": Text("with", "有防御")}
PROVENANCE_HEAD: Final = Text("How to check and repeat it", "如何核对与重复")
PROVENANCE_INTRO: Final = Text(
    "Before it ran, the study was registered under the first digest; the second covers every file and score it rests on. With titer "
    "installed, this command, in the folder of this report, compares them all; it needs no model and no data:",
    "研究在运行之前以第一个摘要登记；第二个摘要涵盖其所依据的每个文件和得分。安装 titer 后，在本报告所在的文件夹运行以下命令即可全部核对，"
    "无需模型或数据：",
)
REPEAT: Final = Text(
    "To repeat the whole study, take its protocol.toml and data, and run: titer run protocol.toml",
    "若要重复整个研究，取其 protocol.toml 与数据，运行：titer run protocol.toml",
)
REGISTERED: Final = Text("registered before the run", "运行之前登记")
FINISHED: Final = Text("finished as", "完成时")
SEALED_AGAIN: Final = Text("sealed again on", "再次封存日期")
SEALED_BECAUSE: Final = Text("sealed again because", "再次封存原因")
SEALED_BEFORE: Final = Text("digest before it was sealed again", "再次封存前的摘要")
PROTOCOL_DIGEST: Final = Text("digest of the protocol", "方案的摘要")
WITH_VERSION: Final = Text("{name}, version", "{name} 的版本")
SEEDS: Final = Text("runs of each attack", "每种攻击的运行次数")
MODEL_OF: Final = Text("model {subject}", "{subject}的模型")
ENVIRONMENT: Final = Text("computed on: {field}", "计算环境：{field}")
REPLACED: Final = Text("run replaced, since the method failed", "因方法失败而替换的运行")

SEARCH_HEAD: Final = Text("The search for the strongest attacks", "对最强攻击的搜索")
LEDGER_FILE: Final = Text(
    "Every number is in [ledger.md](ledger.md), and as data in report.json.",
    "每个数字见 [ledger.md](ledger.md)，数据形式见 report.json。",
)
LEDGER_HEAD: Final = Text("The full ledger", "完整明细")
LEDGER_INTRO: Final = Text(
    "Every number that the verdict rests on, under the names that titer gives them.",
    "判定所依据的每个数字，使用 titer 自己的名称。",
)
SCOPE_HEAD: Final = Text("The scope: nothing is claimed beyond this", "范围：不作超出此范围的任何声明")
FIGURES_HEAD: Final = Text("Figures: {name}", "数字：{name}")
CELLS_HEAD: Final = Text("Every run", "每次运行")
CELLS: Final[tuple[Text, ...]] = (
    Text("for", "用途"), Text("model", "模型"), Text("topic or task", "主题或任务"), Text("attack", "攻击"),
    Text("seed", "种子"), Text("cell", "单元"), Text("failed", "失败"),
)  # fmt: skip
PROTOCOL_HEAD: Final = Text("The protocol, as written before the run", "运行之前写下的方案")
SECTIONS: Final = Text("Contents", "目录")
