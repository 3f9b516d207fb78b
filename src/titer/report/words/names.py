"""Plain names, in both languages, of what a study names by a word of its own: attacks, doses, controls, parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from titer.analysis.sentences.text import Text
from titer.protocol.attack_families import FINE_TUNING

FAMILIES: Final[Mapping[str, Text]] = {
    f"{FINE_TUNING}, full parameters": Text("training on harmful examples (all weights)", "用有害样例训练（全部权重）"),
    f"{FINE_TUNING}, LoRA": Text(
        "training on harmful examples (small added weights, LoRA)", "用有害样例训练（附加的小权重，LoRA）"
    ),
    "few-shot relearning": Text("training on a handful of harmful examples", "用少量有害样例训练"),
    "poisoned mixtures": Text("training on harmless data with harmful rows mixed in", "用混入有害数据的无害数据训练"),
    "benign fine-tuning": Text("training on harmless data", "用无害数据训练"),
    "identity shift": Text("training it into an obedient persona", "训练其成为顺从的角色"),
    "jailbreak-tuning": Text("training on jailbreak prompts", "用越狱提示训练"),
    "staged training": Text("training in stages", "分阶段训练"),
    "preferences and rewards": Text("training by preferences or rewards", "用偏好或奖励训练"),
    "adaptive to the defense": Text("attacks made against this very protection", "专门针对这一防御的攻击"),
    "refusal ablation": Text("editing refusal out of the weights", "从权重中删去拒绝"),
    "perturbation of the weights": Text(
        "disturbing the weights (noise, pruning, rounding)", "扰动权重（噪声、剪枝、舍入）"
    ),
    "merging and delta removal": Text(
        "merging with other weights, or taking some away", "与其他权重合并或减去部分权重"
    ),
    "prefilled answers": Text("beginning the answer for the model", "替模型写出回答的开头"),
    "exemplars in context": Text("harmful examples in the prompt", "在提示中给出有害样例"),
    "soft prompt": Text("a prompt optimized against it", "针对它优化的提示"),
}
"""What each family of attacks does, in a few words."""
AN_ATTACK: Final = Text("the attack", "攻击")
"""What stands before the label of an attack that is of no family."""
NO_FAMILY: Final = Text("of no known family", "不属于已知的攻击族")

DOSES: Final[Mapping[str, Text]] = {
    "steps": Text("{dose} training steps", "{dose} 个训练步"),
    "edits": Text("{dose} edits of the weights", "{dose} 次权重编辑"),
    "noise": Text("{dose} ‰ of noise", "{dose} ‰ 的噪声"),
    "pruned": Text("{dose} % of weights pruned", "{dose} % 的剪枝"),
    "ranks": Text("{dose} % of ranks removed", "去除 {dose} % 的秩"),
    "removed": Text("{dose} % of the protection removed", "去除 {dose} % 的防御"),
    "vector": Text("{dose} % of the task vector added", "加入 {dose} % 的任务向量"),
    "prefilled": Text("{dose} words of the answer given", "给出回答的 {dose} 个词"),
    "exemplars": Text("{dose} examples in the prompt", "提示中的 {dose} 个示例"),
    "soft_steps": Text("{dose} steps on an optimized prompt", "优化提示的 {dose} 步"),
}
"""A dose on each axis."""

ONE_DOSE: Final[Mapping[str, Text]] = {
    "steps": Text("{dose} training step", "{dose} 个训练步"),
    "prefilled": Text("{dose} word of the answer given", "给出回答的 {dose} 个词"),
    "exemplars": Text("{dose} example in the prompt", "提示中的 {dose} 个示例"),
    "edits": Text("{dose} edit of the weights", "{dose} 次权重编辑"),
}
"""The same of a dose of one, where it reads otherwise."""

AXES: Final[Mapping[str, Text]] = {
    "steps": Text("how far the attack went: training steps", "攻击的深入程度：训练步数"),
    "edits": Text("how far the attack went: edits of the weights", "攻击的深入程度：权重编辑次数"),
    "noise": Text("how far the attack went: noise, in thousandths", "攻击的深入程度：噪声（千分之几）"),
    "pruned": Text("how far the attack went: percent of weights pruned", "攻击的深入程度：剪枝百分比"),
    "ranks": Text("how far the attack went: percent of ranks removed", "攻击的深入程度：去除的秩的百分比"),
    "removed": Text("how far the attack went: percent of the protection removed", "攻击的深入程度：去除的防御的百分比"),
    "vector": Text("how far the attack went: percent of the task vector", "攻击的深入程度：任务向量的百分比"),
    "prefilled": Text("how far the attack went: words of the answer given", "攻击的深入程度：给出的回答词数"),
    "exemplars": Text("how far the attack went: examples in the prompt", "攻击的深入程度：提示中的示例数"),
    "soft_steps": Text("how far the attack went: steps on a prompt", "攻击的深入程度：优化提示的步数"),
}

CONDITIONS: Final[Mapping[str, Text]] = {
    "resistance": Text("Resistance", "抵抗性"),
    "generalization": Text("Generalization", "泛化性"),
    "stability": Text("Stability", "稳定性"),
    "trainability": Text("Trainability", "可训练性"),
    "usability": Text("Usability", "可用性"),
}
CONTROLS: Final[Mapping[str, Text]] = {
    "enough seeds and items": Text("enough runs and prompts", "运行与提示足够"),
    "the splits are disjoint": Text("training and test data do not overlap", "训练与测试数据不重叠"),
    "one template in training and probing": Text("trained and asked in one format", "训练与提问的格式相同"),
    "loss on response tokens only": Text("attacks trained on answers alone", "攻击只在回答上训练"),
    "doses are optimizer steps": Text("every training step was a full one", "每个训练步都完整"),
    "each seed draws anew": Text("every run drew anew", "每次运行都重新抽取"),
    "one environment": Text("all computed on one kind of machine", "全部在同一种环境中计算"),
    "dose 0 equals the baseline subject": Text(
        "before its first step an attack changes nothing", "攻击在第一步之前没有改变任何东西"
    ),
    "the attacks train": Text("the attacks did learn", "攻击确实有所学习"),
    "the attacks have power": Text("the attacks do break an unprotected model", "攻击确实能攻破未防御的模型"),
    "harmless training breaks nothing": Text(
        "the same training on harmless data does not break it", "用无害数据作同样的训练不会攻破它"
    ),
    "the judge sees the harm": Text("the grader can see the harm", "评分者看得出有害内容"),
    "the judges could read the answers": Text("the graders could judge the answers", "评分者能够判定回答"),
    "the two judges agree": Text("two graders agree", "两位评分者意见一致"),
}
"""What each control asks."""

CONTROL_OUTCOMES: Final[Mapping[str, Text]] = {
    "upheld": Text("passed", "通过"),
    "void": Text("failed", "未通过"),
    "refuted": Text("failed", "未通过"),
    "undecided": Text("not decided", "未能判定"),
    "not applicable": Text("not asked", "未问"),
}
PURPOSES: Final[Mapping[str, Text]] = {
    "resistance": Text("attack, protected topics", "攻击，受防御的主题"),
    "generalization": Text("attack, other topics", "攻击，其他主题"),
    "sham": Text("the same on harmless data", "用无害数据作同样的训练"),
    "trainability": Text("harmless training", "无害训练"),
    "stability": Text("before any attack", "任何攻击之前"),
    "trial": Text("search for the strongest attack", "搜索最强攻击"),
    "rate": Text("search for a learning rate", "搜索学习率"),
}
