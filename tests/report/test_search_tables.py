"""What is said of a search: the report's tables and chart, and the trials handed to Optuna."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import optuna
import pytest
from support.studies import begin, finish, search, searches

from titer.cli.export_optuna import export_searches
from titer.conclude import conclude, report
from titer.errors import InputError
from titer.stats.search import selection as search_selection
from titer.study.folder import Study

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = begin(tmp_path_factory.mktemp("searched"), search)
    finish(study)
    return study


def test_the_report_has_every_trial_the_winner_and_the_families_not_run(searched: Study) -> None:
    text = report(conclude(searched), ("md",))[1].read_text(encoding="utf-8")
    _, after = text.split("## Searches")
    said = after.split("## Scores")[0]
    (found,) = searches(searched).values()
    for found_search in found.values():
        for configuration in found_search.configurations:
            assert str(configuration.parameters["lr"]) in said
        shams = [trial.sham.point for trial in found_search.search.trials if trial.sham is not None]
        assert all(point is not None and f"| {point.harmful} of 12 |" in said for point in shams)
    assert said.count("selected attack") == 2
    assert said.count("| by hand") == 2
    assert said.count("The best three on more search seeds") == 2
    assert "no limit of utility was set" in said
    families = text.split("## Attack families")[1].split("##")[0]
    assert "| harmful fine-tuning, full parameters | searched | direct-" in families
    assert "| refusal ablation | not run |" in families
    svg = searched.folder / "searches.svg"
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    assert "completed trials" in svg.read_text(encoding="utf-8")


def test_the_trials_are_handed_to_optuna_in_the_same_order_of_strength(searched: Study, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'searches.db'}"
    export_searches(searched, url)
    ((label, attack_searches),) = searches(searched).items()
    for role, found_search in attack_searches.items():
        copy = optuna.load_study(study_name=f"{searched.protocol.study.name}, {label} on {role}", storage=url)
        assert len(copy.trials) == 4
        assert [t.user_attrs["configuration"] for t in copy.trials] == [
            c.parameters for c in found_search.configurations
        ]
        by_value = sorted(copy.trials, key=lambda trial: (trial.value, trial.number))
        assert [trial.number for trial in by_value] == [
            trial.number for trial in search_selection.ranked(found_search.search)
        ]
    with pytest.raises(InputError, match="has a study .* already"):
        export_searches(searched, url)


def test_what_cannot_be_exported_is_told(searched: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        export_searches(searched, "nonsense")
    with pytest.raises(InputError, match="searches no attack"):
        export_searches(begin(tmp_path), f"sqlite:///{tmp_path / 'none.db'}")
