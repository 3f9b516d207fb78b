"""Why a condition does not apply to a study."""

from __future__ import annotations

from typing import Final

from titer.analysis.sentences.text import Text

NO_DEFENSE: Final = Text("there is no defense", "没有防御")
NO_CROSS: Final = Text("no domain has the role cross", "没有角色为 cross 的领域")
NO_OTHER: Final = Text("there is neither a defense nor a reference", "既没有防御也没有参照模型")
NO_STABILITY: Final = Text("the protocol names no stability", "方案没有列出 stability")
NO_TRAINABILITY: Final = Text("the protocol names no trainability", "方案没有列出 trainability")
DEFENDED: Final = Text(
    "there is a defense, and stability compares with what was before it", "有防御，由 stability 与防御之前比较"
)
NO_USABILITY: Final = Text("the protocol names no usability", "方案没有列出 usability")
