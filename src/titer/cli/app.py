"""Every command, in the order in which one meets them. Heavy imports are made inside the command that needs them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from titer import __version__
from titer.cli import output
from titer.cli.finished_commands import compare, export, judge, pack, report, verdict, verify
from titer.cli.judging.commands import judges_app
from titer.cli.methods.commands import list_methods, show
from titer.cli.model_commands import attack, immunize, tune
from titer.cli.options import Jobs, Json, Out, StorePlace, Where
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
    output.say(f"Wrote {path}. Edit it, look at it with `titer plan {folder}`, run it with `titer run {folder}`.")


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
        from titer.cli.planning.plan import print_plan

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


app.command()(judge)
app.command()(verdict)
app.command()(verify)
app.command()(report)
app.command()(compare)
app.command()(export)
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
app.command()(pack)
