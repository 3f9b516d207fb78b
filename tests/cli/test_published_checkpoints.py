"""Defended models that others released: a list that says where each fact was read, and a protocol for each of them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest
from support import ROOT
from support.command import Here

from titer.methods import registry
from titer.methods.defenses.data_and_weights.checkpoint import Checkpoint
from titer.methods.published_checkpoints import NONE_STATED, PublishedCheckpoint, published
from titer.protocol.loading import load
from titer.protocol.schema import Protocol

FOLDER = ROOT / "examples" / "checkpoints"
WRITE = runpy.run_path(str(FOLDER / "write.py"))
BY_FILE = dict(zip(WRITE["protocols"](), published(), strict=True))


def test_no_checkpoint_is_listed_twice_and_each_says_where_it_was_read() -> None:
    models = [known.model for known in published()]
    assert len(models) == len(set(models)) >= 20
    assert all(source.startswith("https://") for known in published() for source in known.sources)


@pytest.mark.parametrize("known", published(), ids=lambda known: known.model)
def test_what_was_read_of_a_page_needs_the_page_of_the_model_itself(known: PublishedCheckpoint) -> None:
    """A license, a commit or a list of files is that of the model's own page, or was not read."""
    own = any(source.startswith(f"https://huggingface.co/{known.model}") for source in known.sources)
    read = (known.revision, known.license, known.tokenizer, known.safetensors)
    assert own == any(fact is not None for fact in read)
    assert known.license in (None, NONE_STATED, "mit", "apache-2.0")
    assert known.refuses == ("refusal" in known.guards)
    assert known.model != known.parent


def test_list_prints_each_checkpoint_by_its_parent_and_its_license(here: Here) -> None:
    done = here("list", "checkpoints")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    titles = {line.rstrip() for line in done.out.splitlines() if line.startswith("Of ")}
    assert "Of meta-llama/Meta-Llama-3-8B-Instruct (gated): refusal" in titles
    assert "Of HuggingFaceH4/zephyr-7b-beta: bio, cyber" in titles
    assert all(any(f" {known.parent}" in title for title in titles) for known in published())
    assert any(line.split() == ["cais/Zephyr_RMU", "RMU", "mit"] for line in done.out.splitlines())
    assert "not read" in done.out


def test_list_verbose_has_every_field_of_each(here: Here) -> None:
    said = " ".join(here("list", "checkpoints", "--verbose").out.split())
    for known in published():
        assert known.model in said
        assert known.revision is None or known.revision in said
    assert said.count("sources") == said.count("safetensors") == len(published())


def test_list_as_json_has_every_field(here: Here) -> None:
    found = json.loads(here("list", "checkpoints", "--json").out)
    assert found == [known.to_data() for known in published()]
    assert {"model", "parent", "gated", "revision", "license", "tokenizer", "safetensors", "sources"} <= found[0].keys()


def test_the_protocols_are_what_their_writer_writes() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.toml")}
    assert written == WRITE["protocols"](), "run `python examples/checkpoints/write.py`"


def named(protocol: Protocol) -> tuple[str, str | None, str | None, str | None]:
    """The checkpoint of a protocol with its revision, base and tokenizer: its defense, or without one its subject."""
    if not protocol.defended:
        subject = protocol.subject
        return subject.model, subject.revision, subject.base, subject.tokenizer
    (defense,) = map(registry.defense, protocol.defense)
    assert isinstance(defense, Checkpoint)
    return defense.model, defense.revision, defense.base, defense.tokenizer


@pytest.mark.parametrize("file", BY_FILE)
def test_a_protocol_assays_its_checkpoint_as_it_was_published(file: str) -> None:
    known, protocol = BY_FILE[file], load(FOLDER / file)
    for attack in protocol.attacker.attack:
        registry.attack(attack)
    parent = known.parent if known.adapter else None
    borrowed = None if known.adapter or known.tokenizer else known.parent
    assert named(protocol) == (known.model, known.revision, parent, borrowed)
    assert protocol.study.claim == "this checkpoint"
    if known.refuses:
        assert (protocol.subject.model, protocol.subject.public) == (known.parent, True)
        assert [domain.name for domain in protocol.harm.domain] == ["advbench", "xstest"]
        assert any(choice.search is not None for choice in protocol.attacker.attack)
    else:
        assert [domain.name for domain in protocol.harm.domain] == [f"wmdp-{part}" for part in known.guards]
        assert protocol.subject.parent == known.parent
        assert protocol.harm.threshold > 0.25  # what guessing among four gives


def test_the_writer_writes_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["write.py", str(tmp_path / "new")])
    runpy.run_path(str(FOLDER / "write.py"), run_name="__main__")
    assert {path.name for path in (tmp_path / "new").iterdir()} == BY_FILE.keys()
