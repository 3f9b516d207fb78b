"""Every command, in the order in which one meets them. Heavy imports are made inside the command that needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from titer import __version__
from titer.cli import output
from titer.cli.judging.commands import judges_app
from titer.cli.methods.commands import list_methods, show
from titer.cli.model_commands import attack, immunize, tune
from titer.cli.options import FinishedStudy, Jobs, Json, Out, StorePlace, Where
from titer.cli.progress import Watch

app = typer.Typer(
    name="titer",
    help="How much harmful fine-tuning a language model withstands, and models that withstand more.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

EXAMPLES = Path(__file__).parent / "protocols"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"titer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    del version


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The study folder to begin.")]) -> None:
    """Write a protocol to begin with: the study of the built-in organism."""
    from titer.cli.output import check_folder
    from titer.errors import InputError
    from titer.study.atomic_files import write_text

    path = folder / "protocol.toml"
    if path.exists():
        raise InputError(str(path), "there is a protocol already", "Choose another folder.")
    check_folder(folder)
    write_text(path, (EXAMPLES / "demo.toml").read_text(encoding="utf-8"))
    typer.echo(f"Wrote {path}. Edit it, look at it with `titer plan {folder}`, run it with `titer run {folder}`.")


@app.command()
def plan(
    where: Where,
    out: Out = None,
    store: StorePlace = None,
    jobs: Jobs = 1,
    show_examples: Annotated[
        int,
        typer.Option("--show", min=0, max=1_000, help="Print so many training examples per data source, and a probe."),
    ] = 0,
    measure: Annotated[
        bool, typer.Option("--measure", help="Time a few steps and answers on this machine first (loads the model).")
    ] = False,
    price: Annotated[
        float | None, typer.Option(min=0, help="Price of an hour of the machine, its GPU included, in any currency.")
    ] = None,
    rate: Annotated[
        list[float] | None, typer.Option(help="A harm rate at which the verdict is foreseen, too; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what a study will do, cost and be able to decide, and what its splits have in common, before it runs."""
    with Watch("starting"):
        from titer.cli.plan import print_plan

    print_plan(where, out, store, jobs, show_examples, measure, price, rate or [], json)


@app.command()
def run(
    where: Where,
    out: Out = None,
    store: StorePlace = None,
    jobs: Jobs = 1,
    executor: Annotated[str, typer.Option(help="Where tasks are done: a name of `titer list executors`.")] = "local",
    gate: Annotated[
        bool, typer.Option(help="Exit with the verdict: 0 upheld, 3 refuted, 4 undecided, 5 void.")
    ] = False,
    json: Json = False,
) -> None:
    """Do everything that is missing, then conclude and write the report. Run it again after an interruption."""
    with Watch("starting"):
        from titer.cli.run import run_study

    verdict = run_study(where, out, store, jobs, json, executor)
    if gate:
        raise typer.Exit(output.EXIT[verdict.outcome])


@app.command()
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


@app.command()
def verdict(study: FinishedStudy, json: Json = False) -> None:
    """Print the verdict and exit with it: 0 upheld, 3 refuted, 4 undecided, 5 void."""
    with Watch("concluding"):
        from titer.analysis.concluding import conclude_path
        from titer.conclude import keep_verdict

        found = conclude_path(study)
        kept = keep_verdict(found, found.folder)
    output.print_verdict(found, json)
    if not json:
        typer.echo(f"Details: titer report {study}")
    if not kept:
        typer.echo(f"{found.folder} cannot be written: the verdict is not kept there.", err=True)
    raise typer.Exit(output.EXIT[found.verdict.outcome])


@app.command()
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

        line = verified(study, digest, registration, sign, signer)
    typer.echo(line)


@app.command()
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
        typer.echo(path)


@app.command()
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


@app.command()
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


app.add_typer(judges_app, name="judges")


app.command(name="list")(list_methods)
app.command()(show)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="The study folder.")] = Path("titer-demo"),
    jobs: Jobs = 2,
    json: Json = False,
) -> None:
    """Run the whole loop on the built-in organism: no GPU, key, download or harmful text."""
    with Watch("starting"):
        from titer.cli.run import run_study

    run_study(EXAMPLES / "demo.toml", out, None, jobs, json)


@app.command()
def view(
    folder: Annotated[Path, typer.Argument(help="A folder with studies in it, at any depth up to six.")],
    host: Annotated[
        str, typer.Option(help="The address to serve at; others than this machine only if you say so.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port; 0 for any that is free.")] = 8765,
) -> None:
    """Serve the studies of a folder as a small web page on this machine: list, open, compare, progress. Read only."""
    from titer.cli.view import serve

    serve(folder, host, port)


app.command()(tune)
app.command()(immunize)
app.command()(attack)


@app.command()
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
    typer.echo(f"Packed {study} into {out}.")
