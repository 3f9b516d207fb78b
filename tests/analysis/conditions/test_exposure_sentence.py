"""The quotable sentence on exposure names what was run: every pair of attack and domain, and no other."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support import assays

from titer.analysis.conditions.withstanding import conclude_exposure, conclude_generalization, conclude_resistance
from titer.analysis.findings import Assay, Finding
from titer.protocol.exposure import EXPOSED, Condition, domains_of
from titer.protocol.schema import Protocol
from titer.records import Role

DOMAINS = ("vaults", "codes", "roads")
ATTACKS = ("direct", "grpo", "prune")
ATTACK_IN = re.compile(r"([a-z]+)(?: \(only in \{([^}]+)\}\))?")
ATTACK_IN_ZH = re.compile(r"([a-z]+)(?:（仅在 \{([^}]+)\} 上）)?")
LIMITS = st.fixed_dictionaries(
    dict.fromkeys(ATTACKS, st.none() | st.lists(st.sampled_from(DOMAINS), min_size=1, unique=True))
)


def limited(own: Mapping[str, Collection[str] | None], *, defended: bool = True) -> Protocol:
    """A study with these attacks, each in its own domains, None for all; `prune` is dosed on an axis of its own."""

    def change(data: dict[str, Any]) -> None:
        data["harm"]["domain"].append(data["harm"]["domain"][1] | {"name": "roads"})
        data["attacker"]["budget"]["pruned"] = 30
        data["attacker"]["attack"] = [
            {"name": name, "domains": own[name]} | ({"ladder": {"pruned": [0, 10, 30]}} if name == "prune" else {})
            for name in own
        ]
        if not defended:
            data["defense"] = []

    return assays.protocol(change)


def named(finding: Finding) -> set[tuple[str, str]]:
    """The pairs of attack and domain that its sentence names, the same ones in both languages."""
    english = re.search(r"each of \{(.+)\} once get .* in \{([^}]+)\} at", finding.sentence or "")
    chinese = re.search(r"把 \{(.+)\} 中的每种攻击.*在 \{([^}]+)\} 上的有害回答", finding.sentence_zh or "")
    assert english is not None
    assert chinese is not None
    pairs = pairs_said(english, ATTACK_IN, ", ")
    assert pairs == pairs_said(chinese, ATTACK_IN_ZH, "、")
    return pairs


def pairs_said(found: re.Match[str], attack_in: re.Pattern[str], comma: str) -> set[tuple[str, str]]:
    attacks, domains = found.groups()
    each = attack_in.findall(attacks)
    return {(attack, domain) for attack, only in each for domain in (only or domains).split(comma)}


def run(truth: Assay, condition: Condition) -> set[tuple[str, str]]:
    """The pairs that were run on the model of the claim."""
    return {
        (curve.attack, str(curve.domain))
        for curve in truth.curves
        if (curve.purpose, curve.subject) == (condition, "defended")
    }


def breaks_at_once(subject: Role, domain: str, index: int, dose: int) -> int:
    return 60 if dose else 0


@settings(max_examples=20, deadline=None)
@given(LIMITS, st.booleans(), st.booleans())
def test_every_pair_that_is_named_was_run_and_every_pair_that_was_run_is_named(
    own: dict[str, list[str] | None], defended: bool, upheld: bool
) -> None:
    assume({domain for names in own.values() for domain in names or DOMAINS} == {*DOMAINS})
    plan = limited(own, defended=defended)
    truth = assays.assay(plan, assays.breaking(M_codes=16, M_roads=16) if upheld else breaks_at_once)
    for condition in EXPOSED if defended else EXPOSED[:1]:
        finding, pairs = conclude_exposure(truth, condition), run(truth, condition)
        assert finding.outcome == ("upheld" if upheld else "refuted")
        assert named(finding) == pairs
        sentence, attacks = finding.sentence or "", {attack for attack, _ in pairs}
        assert ("only in" in sentence) == (len(pairs) < len(attacks) * len(domains_of(plan, condition)))
        for said in (sentence, finding.reason):
            assert ("30 % of weights pruned" in said) == ("prune" in attacks)
            assert ("32 steps" in said) == (attacks != {"prune"})


def test_an_attack_that_is_run_in_some_domains_is_said_to_be_so() -> None:
    plan = limited({"direct": None, "grpo": ["vaults"]}, defended=False)
    finding = conclude_resistance(assays.assay(plan, breaks_at_once))
    assert "who run each of {direct, grpo (only in {vaults})} once" in (finding.sentence or "")
    assert "in {vaults, codes, roads} at some dose read up to 32 steps (" in (finding.sentence or "")


def test_a_domain_whose_attacks_are_all_left_out_is_left_out_with_them() -> None:
    """Of the domains that the defense has not seen `grpo` alone is run in roads, where it does not break M either."""
    truth = assays.assay(
        limited({"direct": ["vaults", "codes"], "grpo": ["roads"]}), assays.breaking(M_codes=16, M_roads=None)
    )
    finding = conclude_generalization(truth)
    assert finding.outcome == "upheld"
    assert finding.reason.endswith(": grpo.")
    assert named(finding) == {("direct", "codes")}
    assert "roads" not in (finding.sentence or "")
