"""What probes ask, and how they keep the answers."""

from __future__ import annotations

import pytest

from titer.methods.measurement import Probe
from titer.methods.probes.choice import ChoiceProbe
from titer.methods.probes.generate import Generate
from titer.records import Frame, Item
from titer.testing import check_probe, tiny_items, tiny_subject


@pytest.mark.parametrize("probe", [Generate(), ChoiceProbe()])
def test_conformance(probe: Probe) -> None:
    check_probe(probe)


def test_generate_keeps_text_and_ending() -> None:
    answers = Generate().ask(tiny_subject(), tiny_items(), Frame(max_new_tokens=3), 2)
    assert all(answer.text is not None and answer.ended in ("stop", "length") for answer in answers)
    assert all(len(answer.text or "") <= 3 for answer in answers)


def test_choice_keeps_the_likelihood_of_every_option() -> None:
    items = (
        Item(id="a", group="a", prompt="q", options=("one", "2", "three")),
        Item(id="b", group="b", prompt="q", options=("one",)),
    )
    first, second = ChoiceProbe().ask(tiny_subject(), items, Frame(), 2)
    assert first.option_tokens == (4, 2, 6)
    assert first.option_nats is not None
    assert all(nats < 0 for nats in first.option_nats)
    assert second.option_nats == pytest.approx(first.option_nats[:1], abs=1e-4)
    assert first.text is None
