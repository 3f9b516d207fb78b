"""Words that say something: those of a text without the words that any text or any conversation has."""

from __future__ import annotations

import re
from typing import Final

from titer.methods.judges.text_judge import plain

_ADDRESS = re.compile(r"(?:\w+://|www\.)\S+")
_HAN = r"\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff"
_CHARACTER = re.compile(f"[{_HAN}]")
_WORD = re.compile(rf"[^\W\d_{_HAN}]{{3,}}")

_FUNCTION: Final = """
about above across after again against ago all almost along already also although always among and another any anyone
anything are aren around away back because been before behind being below beneath beside besides between beyond both
but can cannot could couldn did didn does doesn doing don done down during each either else enough even ever every
everyone everything few for from further had hadn has hasn have haven having her here hers herself him himself his how
however indeed instead into isn its itself just least less let like made make makes making many may maybe might mine
more most much must mustn myself near need needn neither never nobody none nor not nothing now off often once one ones
only onto other others otherwise ought our ours ourselves out over own per perhaps quite rather really same several
shall she should shouldn since some someone something sometimes soon still such than that the their theirs them
themselves then there therefore these they thing things this those though three through throughout thus too toward
towards two under unless until upon use used uses using usually very was wasn way ways were weren what whatever when
whenever where whether which while who whoever whole whom whose why will with within without won would wouldn yes yet
you your yours yourself yourselves
"""
_CONVERSATION: Final = """
absolutely answer answers appreciate ask asked asking assist assistance assistant certainly clarify clear context
course detail details example explain explanation feel following follows free give given giving glad good great happy
hello help helpful helping idea information know knows language look looking mean means model okay please possible
provide provided providing question questions request requests say says sorry sure tell thank thanks thought topic try
trying understand understanding unsure want welcome
"""
_CHINESE: Final = (
    "的了是我你您他她它们这那在有和与及或就也都不没很个一二三之其中以为于对把"
    "被让给上下来去到会能可要请好吧吗呢啊什么怎样如何当然面帮助问题回答提供说"
)

STOP: Final = frozenset((*_FUNCTION.split(), *_CONVERSATION.split(), *_CHINESE))
"""Words that say nothing of their own: function words, and those with which an answer speaks of the conversation."""


def content_words(text: str) -> frozenset[str]:
    """The different words of a text that say something, and the Chinese and Japanese characters that do.

    Left out are the stop list, numbers, words of one or two letters, and addresses of the web.

    >>> sorted(content_words("Sure! Fold 2 corners of the paper: https://example.org"))
    ['corners', 'fold', 'paper']
    """
    bare = _ADDRESS.sub(" ", plain(text))
    return frozenset((*_WORD.findall(bare), *_CHARACTER.findall(bare))) - STOP


def num_words(words: frozenset[str]) -> int:
    """How many words these are, two Chinese or Japanese characters counting as one."""
    characters = [word for word in words if _CHARACTER.match(word)]
    return len(words) - len(characters) + len(characters) // 2
