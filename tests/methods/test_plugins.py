"""What other packages bring: found by name, imported when it is used, and told in one sentence where it is unusable."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from titer.errors import InputError
from titer.methods.attacks.fine_tuning.direct import Direct
from titer.methods.base import Attack
from titer.methods.plugins import Catalog

Install = Callable[..., None]
GOOD = """
    from titer import Attack

    class Mine(Attack):
        '''An attack that does nothing.'''

        name = "mine"

        def steps(self, subject, material, horizon, seed):
            yield from ()
    """


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a package with one module and its entry points where Python looks for packages."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(package: str, module: str, entries: dict[str, str]) -> None:
        info = tmp_path / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n", encoding="utf-8")
        lines = [f"{name} = {package}_module:{loaded}" for name, loaded in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(["[titer.attacks]", *lines, ""]), encoding="utf-8")
        monkeypatch.delitem(sys.modules, f"{package}_module", raising=False)
        (tmp_path / f"{package}_module.py").write_text(textwrap.dedent(module), encoding="utf-8")

    return put


def catalog() -> Catalog[Attack]:
    return Catalog("attacks", Attack, {"direct": Direct})


def fault(name: str) -> InputError:
    with pytest.raises(InputError) as caught:
        catalog().find(name, "attacker.attack.0")
    return caught.value


def test_a_class_of_another_package_is_found_by_its_name(install: Install) -> None:
    install("aaa_good", GOOD, {"mine": "Mine"})
    found = catalog()
    assert found.names == ("direct", "mine")
    assert found.find("mine", "attack").__module__ == "aaa_good_module"
    assert found.find("mine", "attack") is found.find("mine", "attack")
    assert [found.origin(name) for name in found.names] == ["titer", "aaa_good 1.2"]


def test_an_unknown_name_is_told_with_the_nearest_of_any_package(install: Install) -> None:
    install("aab_good", GOOD, {"mine": "Mine"})
    assert str(fault("mime")) == "attacker.attack.0: unknown attack 'mime'. Did you mean 'mine'? Known: direct, mine."


def test_a_package_that_cannot_be_imported_is_told_when_its_class_is_used_and_not_before(install: Install) -> None:
    install("aac_broken", "import a_package_that_there_is_not", {"mine": "Mine"})
    assert catalog().find("direct", "attack") is Direct
    assert str(fault("mine")) == (
        "titer.attacks: 'mine' of aac_broken 1.2 cannot be imported: ModuleNotFoundError: "
        "No module named 'a_package_that_there_is_not'. Repair aac_broken 1.2, or uninstall it."
    )


@pytest.mark.parametrize(
    ("module", "problem"),
    [
        ("class Mine: pass", "is no Attack, but <class 'aad_odd_module.Mine'>"),
        ("Mine = 3", "is no Attack, but 3"),
        ("Other = 3", "cannot be imported: AttributeError"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
        ("from titer import FineTuning\nclass Mine(FineTuning): name = 'mine'", "is not complete: Mine lacks rows"),
        (GOOD.replace('"mine"', '"yours"'), "says that its name is 'yours'"),
        (GOOD.replace('name = "mine"', "version = 2"), "says that its name is None"),
    ],
)
def test_what_is_no_such_class_is_told_with_its_package(install: Install, module: str, problem: str) -> None:
    install("aad_odd", module, {"mine": "Mine"})
    found = fault("mine")
    assert found.place == "titer.attacks"
    assert found.problem.startswith("'mine' of aad_odd 1.2 ")
    assert problem in found.problem
    assert found.remedy == "Repair aad_odd 1.2, or uninstall it."


def test_a_name_that_a_label_could_not_carry_is_told(install: Install) -> None:
    install("aae_dash", GOOD.replace('"mine"', '"my-own"'), {"my-own": "Mine"})
    assert "not of small letters, digits and underscores" in fault("my-own").problem


def test_a_name_of_titers_own_cannot_be_taken(install: Install) -> None:
    install("aaf_clash", GOOD.replace('"mine"', '"direct"'), {"direct": "Mine"})
    found = fault("direct")
    assert "'direct' is taken twice: by titer and by aaf_clash 1.2" in found.problem
    assert "Uninstall one of them" in found.remedy


def test_a_name_of_another_package_cannot_be_taken(install: Install) -> None:
    install("aag_one", GOOD, {"mine": "Mine"})
    install("aag_two", GOOD, {"mine": "Mine"})
    for name in ("mine", "direct"):
        problem = fault(name).problem
        assert "'mine' is taken twice" in problem
        assert all(package in problem for package in ("aag_one 1.2", "aag_two 1.2"))
