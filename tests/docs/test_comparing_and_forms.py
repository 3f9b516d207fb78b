"""The page on comparing and forms: its table names every form, and its protocol table is one."""

from __future__ import annotations

import re
import tomllib

from support import ROOT

from titer.protocol.study_config import Disclosure
from titer.records import canonical
from titer.report.forms.form import FORMS

TEXT = (ROOT / "docs" / "concepts" / "comparing-and-forms.md").read_text(encoding="utf-8")


def test_the_table_names_every_form() -> None:
    assert tuple(re.findall(r"^\| `([\w-]+)` \|", TEXT, flags=re.MULTILINE)) == FORMS


def test_the_table_of_the_protocol_states_everything() -> None:
    (block,) = re.findall(r"^```toml\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)
    said = Disclosure.from_json(canonical(tomllib.loads(block)["disclosure"]))
    assert None not in (*said.actor.to_data().values(), said.marginal_risk, said.safety_margin)
    assert len(said.retest) == 2
