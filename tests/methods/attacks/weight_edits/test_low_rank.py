"""Ranks that serve refusals alone, taken out of every matrix."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from support.architectures import SUBJECTS, llama
from support.studies import begin

from titer.errors import InputError
from titer.methods.attacks.weight_edits._low_rank import serving
from titer.methods.attacks.weight_edits.low_rank_removal import LowRankRemoval
from titer.models.chat_format import encode_rows
from titer.models.modules import matrices
from titer.models.subject import Subject
from titer.testing import check_attack, same, tiny_material, weights


def test_conformance() -> None:
    check_attack(LowRankRemoval())


def gram(*inputs: list[float]) -> torch.Tensor:
    x = torch.tensor(inputs, dtype=torch.float64)
    return x.T @ x


IDENTITY = torch.eye(4, dtype=torch.float64)
BENIGN = gram([4.0, 0, 0, 0], [0, 3.0, 0, 0], [0, 0, 2.0, 0], [0, 0, 0, 1.0])


def test_what_refusals_use_and_benign_rows_do_not_is_taken_and_nothing_else() -> None:
    refusals = gram([0, 0, 0, 5.0], [0, 5.0, 0, 0])
    taken = serving(IDENTITY, refusals, BENIGN, 25, 1.0)
    torch.testing.assert_close(taken, torch.diag(torch.tensor([0, 0, 0, 1.0], dtype=torch.float64)), atol=1e-5, rtol=0)
    assert not serving(IDENTITY, gram([1.0, 0, 0, 0]), BENIGN, 75, 1.0).abs().max() > 1e-5
    torch.testing.assert_close(
        serving(IDENTITY, refusals, BENIGN, 75, 1.0),
        torch.diag(torch.tensor([0, 1.0, 0, 1.0], dtype=torch.float64)),
        atol=1e-5,
        rtol=0,
    )


def test_the_share_of_the_norm_says_which_directions_refusals_use() -> None:
    refusals = gram([0, 0, 0, 3.0], [0, 0, 1.0, 0])
    for energy, kept in ((0.5, 1), (0.9, 1), (0.91, 2), (1.0, 2)):
        assert round(float(serving(IDENTITY, refusals, BENIGN, 100, energy).square().sum())) == kept


def test_it_is_the_projection_of_the_singular_vectors_of_what_the_matrix_gives() -> None:
    generator = torch.Generator().manual_seed(3)
    w, x, y = (torch.randn(*shape, generator=generator, dtype=torch.float64) for shape in ((6, 4), (4, 9), (4, 9)))
    used, needed = (torch.linalg.svd(w @ own, full_matrices=False)[0] for own in (x, y))
    used, values = used[:, :2], torch.linalg.svdvals(w @ y)
    energy = float((values[:2] ** 2).sum() / (values**2).sum()) - 1e-6
    projection = needed[:, :2] @ needed[:, :2].T
    expected = (torch.eye(6, dtype=torch.float64) - used @ used.T) @ projection @ w
    torch.testing.assert_close(serving(w, y @ y.T, x @ x.T, 50, energy), expected, atol=1e-4, rtol=1e-4)


def test_of_what_benign_rows_do_not_use_what_refusals_use_most_goes_first() -> None:
    benign, refusals = gram([4.0, 0, 0, 0]), gram([0, 0, 3.0, 0], [0, 1.0, 0, 0])
    for percent, rest in ((25, [0.0, 0, 1, 0]), (50, [0.0, 1, 1, 0]), (100, [0.0, 1, 1, 0])):
        expected = torch.diag(torch.tensor(rest, dtype=torch.float64))
        torch.testing.assert_close(serving(IDENTITY, refusals, benign, percent, 1.0), expected, atol=1e-6, rtol=0)


def inputs(subject: Subject, texts: list[tuple[str, str, str]]) -> dict[str, torch.Tensor]:
    """What every matrix is given before the response tokens of some rows, (N, i)."""
    found: dict[str, torch.Tensor] = {}
    for example in encode_rows(subject, texts, tiny_material().frame):
        kept: dict[str, torch.Tensor] = {}
        handles = [
            subject.model.get_submodule(name).register_forward_pre_hook(
                partial(lambda name, kept, module, args: kept.update({name: args[0][0]}), name, kept)
            )
            for name in matrices(subject.model)
        ]
        with torch.no_grad():
            subject.model(torch.tensor([example.ids]))
        for handle in handles:
            handle.remove()
        places = [place - 1 for place, counts in enumerate(example.mask) if counts]
        for name, given in kept.items():
            own = given[places].double()
            found[name] = torch.cat([found[name], own]) if name in found else own
    return found


@pytest.mark.parametrize("make", SUBJECTS)
def test_inputs_are_those_of_the_baseline_subject_row_by_row(make: Callable[[], Subject]) -> None:
    material, subject, clean = tiny_material(), make(), make()
    (step,) = LowRankRemoval(energy=0.8, batch=5).steps(subject, material, 30, 0)
    one = inputs(clean, [(row.id, row.prompt, row.refusal or "") for row in material.train])
    other = inputs(clean, [(row.id, row.prompt, row.response) for row in material.benign])
    for name, matrix in matrices(clean.model).items():
        exact = matrix.double()
        part = serving(exact, one[name].T @ one[name], other[name].T @ other[name], 30, 0.8)
        torch.testing.assert_close(matrices(subject.model)[name].double(), exact - part, atol=1e-4, rtol=1e-4)
    assert (step.spent.examples, step.rows_used) == (0, 24)


def test_more_percent_take_more_and_only_from_the_matrices_of_the_blocks() -> None:
    material, clean, taken = tiny_material(), llama(), []
    for dose in (10, 30, 60, 100):
        subject = llama()
        list(LowRankRemoval().steps(subject, material, dose, 0))
        left = weights(subject)
        moved = {name.removesuffix(".weight") for name, w in weights(clean).items() if not torch.equal(left[name], w)}
        assert moved <= set(matrices(clean.model))
        taken.append(sum(float((left[name] - w).square().sum()) for name, w in weights(clean).items()))
    assert taken == sorted(taken)
    assert taken[0] > 0
    assert LowRankRemoval().doses((0, 5, 100, 101)) == (5, 100)


def test_rows_beyond_those_wanted_are_drawn_by_the_seed() -> None:
    few = LowRankRemoval(examples=3)
    found = []
    for seed in (0, 0, 1):
        subject = llama()
        list(few.steps(subject, tiny_material(), 50, seed))
        found.append(weights(subject))
    assert same(found[0], found[1])
    assert not same(found[0], found[2])


def test_a_harmful_row_without_a_refusal_is_told_before_the_run(tmp_path: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["benign"][0]["splits"]["attack"] = 4
        data["attacker"]["attack"] = [{"name": "low_rank_removal", "ladder": {"ranks": [0, 10]}}]
        data["attacker"]["budget"] = {"steps": 4, "ranks": 10}
        data["defense"] = [{"name": "no_op"}]
        path = Path(data["harm"]["domain"][0]["source"])
        path.write_text(path.read_text().replace('"refusal": "no", ', ""))

    with pytest.raises(InputError, match=r"low_rank_removal learns from refusals, and row .* of red has none"):
        begin(tmp_path, change)
