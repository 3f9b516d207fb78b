"""Where the numbers come from: digests, seeds, environments, scope, and every run."""

from __future__ import annotations

from collections.abc import Iterator

from titer.analysis.findings import Assay, Verdict
from titer.analysis.sentences.text import same
from titer.records import canonical
from titer.report.json_report import environments
from titer.report.view.naming import series_names
from titer.report.view.said import Fact, Given, Said, Sentence, count, pointer, verbatim
from titer.report.view.tables import TableCell, TableView, table_view
from titer.report.words import names, sections
from titer.study.root import Root


def provenance_table(assay: Assay, root: Root) -> TableView:
    """Digests, seeds, versions, environments."""
    return table_view(sections.PROVENANCE_HEAD, (sections.WHAT, sections.VALUE), _provenance(assay, root))


def _provenance(assay: Assay, root: Root) -> Iterator[tuple[Said, Said]]:
    yield sections.REGISTERED, verbatim("/registration", root.registration)
    yield sections.FINISHED, verbatim("/root", root.root)
    for place, again in enumerate(root.sealed_again):
        yield sections.SEALED_AGAIN, verbatim(pointer("sealed_again", place, "on"), again.on)
        yield sections.SEALED_BECAUSE, verbatim(pointer("sealed_again", place, "because"), again.because)
        yield sections.SEALED_BEFORE, verbatim(pointer("sealed_again", place, "root"), again.root)
    yield sections.PROTOCOL_DIGEST, verbatim("/protocol_digest", assay.digest)
    for part, keys in sorted(assay.subjects.items()):
        lines = {"undefended": series_names(assay.protocol)["undefended"]}
        lines["defended"] = series_names(assay.protocol)["defended"]
        subject = lines.get(part, Given(text=part))
        for place, key in enumerate(keys):
            name = Sentence(template=sections.MODEL_OF, fields={"subject": subject})
            yield name, verbatim(pointer("subjects", part, place), key)
    seeds = assay.protocol.study.seeds
    yield sections.SEEDS, count(pointer("protocol", "study", "seeds", "attack"), seeds.attack)
    for place, environment in enumerate(environments(assay)):
        for field, value in environment.to_data().items():
            name = Sentence(template=sections.ENVIRONMENT, fields={"field": Given(text=field)})
            yield name, verbatim(pointer("environments", place, field), value)


def scope_table(verdict: Verdict) -> TableView:
    """What the verdict holds for."""
    rows = [
        (Given(text=what), _value(pointer("verdict", "scope", what), value))
        for what, value in sorted(verdict.scope.items())
    ]
    return table_view(sections.SCOPE_HEAD, (sections.WHAT, sections.VALUE), rows)


def _value(place: str, value: object) -> Fact:
    text = value if isinstance(value, str) else canonical(value)
    return Fact(place=same(place), shown=same(text), form="text" if isinstance(value, str) else "data")


def cell_table(assay: Assay) -> TableView:
    """Every curve: what it is for, whose it is, its attack, seed and cell, and why it failed if it did."""
    lines = series_names(assay.protocol)
    rows: list[tuple[TableCell, ...]] = []
    for place, curve in enumerate(assay.curves):
        at = pointer("curves", place)
        rows.append(
            (
                names.PURPOSES.get(curve.purpose, Given(text=curve.purpose)),
                lines[curve.subject],
                Given(text=curve.domain or curve.task or ""),
                Given(text=curve.attack),
                count(f"{at}/index", curve.index),
                verbatim(f"{at}/cell", curve.cells[0].key),
                verbatim(f"{at}/failed", curve.failed) if curve.failed else None,
            )
        )
    return table_view(sections.CELLS_HEAD, sections.CELLS, rows, (4,))
