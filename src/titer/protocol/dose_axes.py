"""What attacks are dosed in: each axis has its own ladder and budget, and doses on two axes are never pooled."""

from __future__ import annotations

from typing import Final, NamedTuple


class Axis(NamedTuple):
    """One way to count how far an attack went.

    Attributes:
        name: as a protocol writes it in `attacker.budget`.
        unit: what a dose counts, for the axis of a chart.
        one: a dose of one in words, with `{}` for the number.
        many: any other dose in words.
        zh: a dose in Chinese words.
    """

    name: str
    unit: str
    one: str
    many: str
    zh: str

    def said(self, dose: int) -> str:
        """A dose in words.

        >>> STEPS.said(1), PRUNED.said(30)
        ('1 step', '30 % of weights pruned')
        """
        return (self.one if dose == 1 else self.many).format(dose)

    def said_zh(self, dose: int) -> str:
        """A dose in Chinese words."""
        return self.zh.format(dose)


STEPS: Final = Axis("steps", "optimizer steps", "{} step", "{} steps", "{} 步")
EDITS: Final = Axis("edits", "edits of the weights", "{} edit", "{} edits", "{} 次编辑")
NOISE: Final = Axis(
    "noise", "thousandths of a matrix's root mean square", "{} ‰ of noise", "{} ‰ of noise", "{} ‰ 的噪声"
)
PRUNED: Final = Axis(
    "pruned", "percent of weights pruned", "{} % of weights pruned", "{} % of weights pruned", "{} % 的剪枝"
)
RANKS: Final = Axis(
    "ranks", "percent of ranks removed", "{} % of ranks removed", "{} % of ranks removed", "去除 {} % 的秩"
)
REMOVED: Final = Axis(
    "removed",
    "percent of the defense removed",
    "{} % of the defense removed",
    "{} % of the defense removed",
    "去除 {} % 的防御",
)
VECTOR: Final = Axis(
    "vector",
    "percent of the task vector added",
    "{} % of the task vector",
    "{} % of the task vector",
    "{} % 的任务向量",
)
PREFILLED: Final = Axis("prefilled", "words prefilled", "{} prefilled word", "{} prefilled words", "{} 个预填词")
EXEMPLARS: Final = Axis("exemplars", "exemplars in context", "{} exemplar", "{} exemplars", "{} 个示例")
SOFT_STEPS: Final = Axis(
    "soft_steps", "optimizer steps on a soft prompt", "{} soft-prompt step", "{} soft-prompt steps", "软提示的 {} 步"
)

_KNOWN: Final = {
    axis.name: axis for axis in (STEPS, EDITS, NOISE, PRUNED, RANKS, REMOVED, VECTOR, PREFILLED, EXEMPLARS, SOFT_STEPS)
}


def named(name: str) -> Axis:
    """The axis of that name; one that another package brings is called by its name."""
    return _KNOWN.get(name) or Axis(name, name, f"{{}} {name}", f"{{}} {name}", f"{{}} {name}")
