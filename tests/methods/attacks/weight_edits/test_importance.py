"""Pruning by importance: what refusals need and benign answers do not, against gradients by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from support.architectures import SUBJECTS, gpt2, llama

from titer.methods.attacks.weight_edits._importance import importance, only_for
from titer.methods.attacks.weight_edits.prune import Prune
from titer.methods.requires import Need
from titer.models.chat_format import encode_rows
from titer.models.modules import matrices
from titer.models.subject import Subject
from titer.records import Frame
from titer.testing import same, tiny_material, weights


@pytest.mark.parametrize("make", [llama, gpt2])
def test_importance_is_the_change_of_the_loss_to_first_order_when_a_weight_is_zeroed(
    make: Callable[[], Subject],
) -> None:
    subject = make()
    (example,) = encode_rows(subject, [("a", "code of 1", "i will not")], Frame())
    before = weights(subject)
    found = importance(subject, [example])
    assert same(before, weights(subject))
    assert all(parameter.grad is None for parameter in subject.model.parameters())
    ids, targets = torch.tensor([example.ids]), torch.tensor(example.mask[1:])

    def loss() -> float:
        with torch.no_grad():
            logits = subject.model(ids).logits[0, :-1].double()
        return float(torch.nn.functional.cross_entropy(logits[targets], ids[0, 1:][targets]))

    name, matrix = next(iter(matrices(subject.model).items()))
    row, column = divmod(int(found[name].argmax()), matrix.shape[1])
    small, at = 1e-3, matrix[row, column].clone()
    slope = []
    for sign in (1, -1):
        matrix[row, column] = at * (1 + sign * small)
        slope.append(loss())
    assert float(found[name][row, column]) == pytest.approx(abs(slope[0] - slope[1]) / (2 * small), rel=0.02)


def test_what_both_kinds_need_is_spared() -> None:
    safety = torch.tensor([[9.0, 8.0], [7.0, 1.0]])
    utility = torch.tensor([[0.0, 9.0], [1.0, 8.0]])
    assert only_for(safety, utility, 0.5, 0.0).tolist() == [[True, True], [False, False]]
    assert only_for(safety, utility, 0.5, 0.25).tolist() == [[True, False], [False, False]]
    assert only_for(safety, utility, 0.0, 0.25).sum() == 0


@pytest.mark.parametrize("make", SUBJECTS)
def test_only_weights_among_the_dose_are_zeroed_and_fewer_the_more_are_spared(make: Callable[[], Subject]) -> None:
    zeroed = {}
    for spared in (0.0, 50.0):
        subject = make()
        attack = Prune(by="importance", spared=spared)
        (step,) = attack.steps(subject, tiny_material(), 10, 4)
        gone = sum(int((matrix == 0).sum()) for matrix in matrices(subject.model).values())
        of = sum(matrix.numel() for matrix in matrices(subject.model).values())
        assert step.terms["zeroed"] == pytest.approx(gone / of)
        zeroed[spared] = gone / of
    assert zeroed[0.0] == pytest.approx(0.1, abs=0.01)
    assert 0 < zeroed[50.0] < zeroed[0.0]


def test_the_magnitude_needs_no_rows_and_is_written_as_ever() -> None:
    assert (Prune().requires.rows, Prune().to_data()) == ({}, {})
    assert set(Prune(by="importance").requires.rows) == {Need.HARMFUL, Need.PAIRS, Need.BENIGN}
