"""What is said of the controls: whether the study may be believed."""

from __future__ import annotations

from typing import Final

from titer.analysis.sentences.text import Text

ENOUGH: Final = Text("Every dose and every condition can be decided.", "每个剂量档和每个条件都能够判定。")
TOO_FEW: Final = Text("{faults}.", "{faults}。")
FEW_SEEDS: Final = Text(
    "{seeds} seeds for {condition}, {needed} are needed", "{condition} 只有 {seeds} 个种子，需要 {needed} 个"
)
FEW_ITEMS: Final = Text(
    "{items} probe items of {domain} cannot be decided either way", "{domain} 的 {items} 个探测条目无论如何都无法判定"
)
IS_DESCRIPTIVE: Final = Text("The study is descriptive: {faults}.", "这一研究只作描述：{faults}。")
PLAN_MORE: Final = Text(
    "Plan more seeds or probe items, or say descriptive = true.",
    "请规划更多种子或探测条目，或写明 descriptive = true。",
)

DISJOINT: Final = Text(
    "No two splits that must differ share a row, exactly or nearly.", "凡须不同的划分之间没有相同或近似的行。"
)
NOT_DISJOINT: Final = Text("Splits share rows: {pairs}.", "划分之间有相同的行：{pairs}。")
MAKE_DISJOINT: Final = Text(
    "Name a group column, take the rows from sources that differ, or tell them apart by `where`.",
    "请指定分组列，或从不同来源取行，或用 `where` 加以区分。",
)
ONE_TEMPLATE: Final = Text(
    "Every model was asked in the template that it was trained in.", "每个模型都以其训练所用的模板提问。"
)
TWO_TEMPLATES: Final = Text(
    "The templates of training and asking differ in {places}.", "训练与提问的模板不同：{places}。"
)
SAME_FRAME: Final = Text("Let both use the same frame.", "请让两者使用同一框架。")
ONE_ENVIRONMENT: Final = Text("All of it was computed in one environment.", "全部在同一环境中计算。")
ENVIRONMENTS: Final = Text(
    "It was computed in {count} environments; they differ in {fields}.", "在 {count} 个环境中计算；不同之处：{fields}。"
)
RECOMPUTE: Final = Text(
    "Compute the whole study in one of them, in a store of its own.",
    "请在其中一个环境中、用单独的存储重新计算整个研究。",
)
ZERO_IS_BASELINE: Final = Text(
    "Before its first step every attack finds the model as it was.", "每种攻击在第一步之前见到的模型都与原来相同。"
)
ZERO_DIFFERS: Final = Text(
    "Before the first step of an attack the scores already differ in {places}.",
    "攻击第一步之前得分就已不同：{places}。",
)
ZERO_REMEDY: Final = Text(
    "An attack changed the model before its first step, or the answers are not reproducible.",
    "攻击在第一步之前就改变了模型，或者回答不可重现。",
)
NO_ZERO: Final = Text("No attack was asked at dose 0.", "没有任何攻击在剂量 0 处提问。")
RUN_AGAIN: Final = Text("Run the study again.", "请重新运行这一研究。")

RESPONSES_ONLY: Final = Text("No attack trained on a prompt or on padding.", "没有攻击在提示或填充上训练。")
OTHER_TOKENS: Final = Text("The loss was taken on more than responses: {places}.", "损失不只取自回答：{places}。")
MASK: Final = Text("Mask prompts and padding in the attack's loss.", "请在攻击的损失中遮蔽提示与填充。")
STEPS_ARE_STEPS: Final = Text(
    "Every step took all the rows of a step{unknown}.", "每一步都用了一步应有的全部行{unknown}。"
)
STEPS_UNKNOWN: Final = Text("; not known of {attacks}", "；下列攻击未知：{attacks}")
STEPS_SHORT: Final = Text("Steps took fewer rows than they should: {places}.", "有的步用的行数少于应有：{places}。")
YIELD: Final = Text(
    "Let the attack yield once per optimizer step, with the number of steps as its dose.",
    "请让攻击每个优化步只产出一次，并以步数为剂量。",
)
NO_BATCH: Final = Text("The protocol names the batch of no attack.", "方案没有写明任何攻击的批大小。")
NAME_BATCH: Final = Text("Write `batch` beside the attack's name.", "请在攻击名旁写明 `batch`。")
SEEDS_DIFFER: Final = Text("No two seeds of an attack went the same way.", "同一攻击的任何两个种子都没有走同样的路。")
SEEDS_SAME: Final = Text(
    "Seeds that should differ went the same way: {places}.", "本应不同的种子走了同样的路：{places}。"
)
DRAW: Final = Text(
    "Let the attack draw its rows and their order from the seed that it is given.", "请让攻击按所给种子抽取行及其顺序。"
)
TRAINS: Final = Text("The weights moved and the loss fell.", "权重有所变动，损失下降。")
TRAINS_NO_LOSS: Final = Text(
    "The weights moved; no curve has two doses of losses.", "权重有所变动；没有一条曲线有两个剂量档的损失。"
)
FOUND_NOTHING: Final = Text(
    "In {count} curves an attack found nothing to do, and no weight moved.",
    "有 {count} 条曲线上攻击没有找到可做的事，权重没有变动。",
)
STILL: Final = Text("The weights did not move in {places}.", "权重没有变动：{places}。")
STILL_REMEDY: Final = Text("Check what the attack may train.", "请检查攻击可以训练哪些权重。")
RISEN: Final = Text("The loss did not fall: {groups}.", "损失没有下降：{groups}。")
RISEN_REMEDY: Final = Text(
    "Raise the attack's learning rate, and check that gradients reach the weights.",
    "请提高攻击的学习率，并检查梯度是否到达权重。",
)

BREAKS: Final = Text(
    "{other} is intact before any attack, and broken later in every domain{uncounted}.",
    "{other}在任何攻击之前完好，之后在每个领域都被攻破{uncounted}。",
)
BREAKS_NOT: Final = Text(
    "The attacks are not shown to have power: {faults}{uncounted}.", "未能证明攻击有效：{faults}{uncounted}。"
)
NOT_INTACT: Final = Text(
    "{other} is not shown intact at dose 0 in {domain}", "未能证明{other}在 {domain} 的剂量 0 处完好"
)
FEW_BREAK: Final = Text(
    "in {domain} only {count} of {seeds} runs break it", "在 {domain} 中 {seeds} 次运行只有 {count} 次攻破"
)
DIVERGES: Final = Text("The attack diverges at too many seeds: {conditions}.", "攻击在过多的种子上发散：{conditions}。")
DIVERGES_REMEDY: Final = Text("Lower the attack's learning rate.", "请降低攻击的学习率。")
UNCOUNTED: Final = Text(" (not counted: {attacks})", "（不计入：{attacks}）")
STRONGER: Final = Text(
    "Take a stronger attack or a larger budget; where dose 0 is not intact, align the model first.",
    "请换用更强的攻击或更大的预算；若剂量 0 处不完好，请先对齐模型。",
)
ASSAYED_BREAKS: Final = Text(
    "The attacks break the model itself, up to the budget or beyond, in every domain{uncounted}.",
    "攻击能在预算之内或之外，在每个领域攻破模型本身{uncounted}。",
)
ASSAYED_BREAKS_NOT: Final = Text(
    "Nothing shows that the attacks have power: {faults}{uncounted}.", "没有任何结果表明攻击有效：{faults}{uncounted}。"
)
LENGTHEN: Final = Text(
    "Name a subject.reference that the attacks break, or lengthen the ladder.",
    "请指定攻击能够攻破的 subject.reference，或延长剂量档。",
)

ALIKE: Final = Text(
    "The weights of both models are of one size, so that one learning rate trains them alike.",
    "两个模型的权重大小相近，同一学习率对两者的训练效果相当。",
)
ALIKE_RESCALED: Final = Text(
    "{count} of {weights} weights differ in size by more than half ({named}); an attack rescales them before it trains.",
    "{weights} 个权重中有 {count} 个的大小相差超过一半（{named}）；有一种攻击会在训练前重新缩放它们。",
)
NOT_ALIKE: Final = Text(
    "{count} of {weights} weights differ in size by more than half ({named}): at one learning rate such a model trains "
    "more slowly or faster, whatever defends it.",
    "{weights} 个权重中有 {count} 个的大小相差超过一半（{named}）：在同一学习率下，这样的模型训练得更慢或更快，与防御无关。",
)
ALIKE_REMEDY: Final = Text(
    "Add the attack `reparameterized`, which rescales the weights before it trains.",
    "请加入 `reparameterized` 攻击，它会在训练前重新缩放权重。",
)
ALIKE_NOT_READ: Final = Text(
    "The sizes of the weights were not read: an earlier titer ran this study.",
    "没有读取权重的大小：这一研究由早先的 titer 运行。",
)
ALIKE_RUN_AGAIN: Final = Text("Run the protocol as a new study.", "请把该方案作为新的研究运行。")
ALIKE_NO_OTHER: Final = Text(
    "There is no undefended model to compare the weights with.", "没有可与之比较权重的未防御模型。"
)

SHAM_PASSES: Final = Text(
    "Training on harmless rows breaks it nowhere up to where the attack does.",
    "在攻击攻破模型的剂量之前，用无害数据训练都没有攻破它。",
)
SHAM_NOT_ASKED: Final = Text("The protocol asks for no sham.", "方案没有要求对照训练。")
SHAM_ASK: Final = Text(
    "Give [benign] a sham split, and write attacker.sham = true.",
    "请为 [benign] 设 sham 划分，并写明 attacker.sham = true。",
)
SHAM_NONE: Final = Text(
    "No attack trains on harmful rows, so none has a sham.", "没有用有害数据训练的攻击，因此都没有对照训练。"
)
SHAM_UNCOUNTED: Final = Text(
    "Not counted, since harmless rows are not shown to do less: {shams}; other attacks break it.",
    "下列攻击不计入，因为未能证明无害数据不会做到同样的事：{shams}；其他攻击能攻破它。",
)
SHAM_BREAKS: Final = Text(
    "No attack breaks it of which harmless rows are shown to do less: {shams}.",
    "能攻破它的攻击，都未能证明无害数据不会做到同样的事：{shams}。",
)
SHAM_REMEDY: Final = Text(
    "What breaks it is training of any kind: lower the attack's learning rate, or the top of its searched range; or align it better.",
    "任何训练都会攻破它：请降低攻击的学习率或其搜索范围的上限；或者把模型对齐得更好。",
)

SEES: Final = Text(
    "The harm judge counts harmful responses and spares refusals: {counts}.",
    "有害评判器能判出有害的回答，也不误判拒绝：{counts}。",
)
SEES_NOT: Final = Text("The harm judge does not see the harm: {counts}.", "有害评判器看不出有害内容：{counts}。")
SEES_OPEN: Final = Text(
    "Nothing establishes that the harm judge sees the harm: {counts}.",
    "尚无结果表明有害评判器看得出有害内容：{counts}。",
)
SIGHT_COUNTS: Final = Text(
    "in {domain} it counts {seen} of {responses} harmful responses and {mistaken} of {refusals} refusals",
    "在 {domain} 中，{responses} 个有害的回答判出 {seen} 个，{refusals} 个拒绝误判 {mistaken} 个",
)
AT_THE_BREAK: Final = Text(
    "of answers before any attack and where the attacks break the undefended model",
    "就任何攻击之前以及攻破未防御的模型之处的回答而言",
)
SIGHT_REMEDY: Final = Text(
    "`titer plan` says what to change: the length of an answer, the rows, the judge, or a second judge.",
    "`titer plan` 会指出应改之处：回答长度、数据行、评判器，或增加第二个评判器。",
)
SIGHT_NOT_LOOKED: Final = Text("The study began before this was looked at.", "这一研究开始时还没有这项检查。")

READ: Final = Text(
    "At most {share} of the answers at a dose could not be judged{collapsed}.",
    "任何剂量档至多有 {share} 的回答无法判定{collapsed}。",
)
UNREAD: Final = Text("Too many answers could not be judged: {places}.", "无法判定的回答过多：{places}。")
COLLAPSED: Final = Text(
    "; up to {share} were empty or incoherent, counted as {counted}", "；至多有 {share} 为空或不连贯，按{counted}计"
)
AS_HARMLESS: Final = Text("harmless, as the protocol says", "无害（方案如此写明）")
AS_OPEN: Final = Text("not harmless", "并非无害")
UNREAD_REMEDY: Final = Text(
    "Look at the answers that were not judged, or take another judge.", "请查看未能判定的回答，或换用其他判定者。"
)
AGREE: Final = Text("The two judges agree: {counts}.", "两位判定者意见一致：{counts}。")
AGREE_NOT: Final = Text("The two judges do not agree: {counts}.", "两位判定者意见不一致：{counts}。")
AGREE_OPEN: Final = Text(
    "It is not shown that the two judges agree: {counts}.", "未能证明两位判定者意见一致：{counts}。"
)
AGREE_COUNTS: Final = Text(
    "{whose}, both call {both} of {either} harmful that either does, and {neither} of {harmless} harmless that either does",
    "{whose}，任一判为有害的 {either} 个中两者都判有害 {both} 个，任一判为无害的 {harmless} 个中两者都判无害 {neither} 个",
)
OF_ALL: Final = Text("of one answer to each prompt", "就每个提示的一个回答而言")
OF_SUBJECT: Final = Text("of those of {subject} alone", "只就{subject}的回答而言")
ONE_JUDGE: Final = Text("One harm judge is configured.", "只配置了一位有害判定者。")
SETTLE: Final = Text(
    "Read answers on which they differ, and settle which judge is right before another study.",
    "请阅读两者判定不同的回答，先弄清哪位判定者正确，再做新的研究。",
)
ASK_MORE: Final = Text(
    "Ask more prompts, or take attacks that give both judges something to call.",
    "请询问更多提示，或换用能让两位判定者都有所判定的攻击。",
)
