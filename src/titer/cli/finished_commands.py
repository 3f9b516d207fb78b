"""The commands about a finished study: check it, judge it again, report it, pack it. Heavy imports are made inside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from titer.cli import output
from titer.cli.options import FinishedStudy, Json, StorePlace
from titer.cli.progress import Watch


def judge(
    study: Annotated[Path, typer.Argument(help="A finished study folder.")],
    judge: Annotated[str, typer.Option(help="A judge's name, with parameters as NAME:{json} where it takes any.")],
    store: StorePlace = None,
    json: Json = False,
) -> None:
    """Judge the stored answers again with another judge: a second opinion beside the verdict of record."""
    with Watch("starting"):
        from titer.cli.judging.rejudge import second_opinion

    second_opinion(study, judge, json, store)


def verdict(study: FinishedStudy, json: Json = False) -> None:
    """Print the verdict and exit with it: 0 upheld, 3 refuted, 4 undecided, 5 void."""
    with Watch("concluding"):
        from titer.analysis.concluding import conclude_path
        from titer.conclude import keep_verdict

        found = conclude_path(study)
        kept = keep_verdict(found, found.folder)
    output.print_verdict(found, json)
    if not json:
        output.say(f"Details: titer report {study}")
    if not kept:
        output.say(f"{found.folder} cannot be written: the verdict is not kept there.", err=True)
    raise typer.Exit(output.EXIT[found.verdict.outcome])


def verify(
    study: FinishedStudy,
    digest: Annotated[str | None, typer.Option(help="The root digest that was published.")] = None,
    registration: Annotated[str | None, typer.Option(help="The digest published before the run.")] = None,
    sign: Annotated[Path | None, typer.Option(help="Sign the line with this SSH key.")] = None,
    signer: Annotated[Path | None, typer.Option(help="The public SSH key whose signature it must have.")] = None,
) -> None:
    """Compare every file that the study rests on with its digest, and print the line that can be published."""
    with Watch("verifying"):
        from titer.cli.verify import verified

        found = verified(study, digest, registration, sign, signer)
    output.say(found.line)
    for note in found.notes:
        output.say(f"titer: {note}.", err=True)


def report(
    study: FinishedStudy,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="html, md (with charts), json, card, csv, parquet, tex; may be repeated. Default: first three.",
        ),
    ] = None,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="English or Chinese.")] = "en",
    form: Annotated[
        Literal["stream", "eu-appendix3", "nist-800-1", "acceptance-card"] | None,
        typer.Option("--map", help="Fill a form of others from the study, too, and say what it leaves open."),
    ] = None,
) -> None:
    """Write the report into the folder of the study: a page, Markdown, data, tables, a model card, a form of others."""
    with Watch("writing the report"):
        from titer.cli.report import write_report

        paths = write_report(study, formats, lang, form)
    for path in paths:
        output.say(path)


def compare(
    studies: Annotated[list[Path], typer.Argument(help="Finished study folders, packed ones, or their tables.")],
    out: Annotated[
        Path | None, typer.Option(help="The folder for compare.md, compare.json and the chart as SVG and PNG.")
    ] = None,
    json: Json = False,
) -> None:
    """Put studies side by side, if they may be compared: outcomes, first broken doses, stability, training, cost."""
    with Watch("starting"):
        from titer.cli.compare import compare_studies

    compare_studies(studies, out, json)


def export(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    optuna: Annotated[str, typer.Option(help="A storage, such as sqlite:///searches.db.")],
) -> None:
    """Write the searches of a study, as far as they have come, into a storage of Optuna."""
    with Watch("reading the searches"):
        from titer.cli.export_optuna import export_searches
        from titer.study.folder import read_study

        found = read_study(study)
    export_searches(found, optuna)


def pack(
    study: Annotated[Path, typer.Argument(help="A finished study folder.")],
    out: Annotated[Path, typer.Argument(help="The folder to pack it into.")],
) -> None:
    """Pack a study into a few small files without any text: verdict, report, charts, and its scores as tables."""
    from titer.cli.output import check_free

    check_free(out)
    with Watch("packing"):
        from titer.conclude import pack as write_packed
        from titer.study.atomic_files import write_whole
        from titer.study.folder import read_study

        found = read_study(study)
        write_whole(out, lambda folder: write_packed(found, folder))
    output.say(f"Packed {study} into {out}.")
