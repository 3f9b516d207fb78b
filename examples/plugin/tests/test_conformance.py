"""The methods of this package keep the promises of titer's interfaces, and do what they say."""

from __future__ import annotations

import pytest
from titer_plugin_example.damped_head import DampedHead
from titer_plugin_example.mentions import Mentions
from titer_plugin_example.silence import Silence

from titer.errors import InputError
from titer.records import Item
from titer.testing import check_attack, check_defense, check_judge, tiny_subject


def test_the_attack_keeps_its_promises() -> None:
    check_attack(Silence(), horizon=2)


def test_the_attack_says_before_the_run_that_there_are_fewer_blocks() -> None:
    with pytest.raises(InputError, match="the subject has 2 blocks, and the last dose is 3"):
        Silence().check(tiny_subject(), 3)


def test_the_defense_keeps_its_promises() -> None:
    check_defense(DampedHead(share=0.5))


@pytest.mark.parametrize("judge", [Mentions(), Mentions(ignore_case=False)])
def test_the_judge_keeps_its_promises(judge: Mentions) -> None:
    check_judge(judge)


def test_the_judge_reads_what_it_says() -> None:
    item = Item(id="i", group="i", prompt="who", reference="Kim")
    assert Mentions().read(item, "it is kim.").value == 1
    assert Mentions(ignore_case=False).read(item, "it is kim.").value == 0
