"""`tocsin rules diff`: two sets of rules compared."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from generator.server_options import HttpConfigFile

if TYPE_CHECKING:
    from generator.delivery.sides import Side
    from tocsin.problem import Problem

TROUBLE = 2  # as diff(1) has it: whether they differ could not be told
TIMEOUT_SECONDS = 30.0  # of one request

SideArgument = "Rulepacks, rule files, a folder; REVISION:PATH of git; or the address of a Prometheus."
Report = Annotated[Literal["text", "json", "markdown"], typer.Option("--format", help="How it is printed.")]


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=SideArgument)],
    b: Annotated[str, typer.Argument(metavar="B", help="The same; what has to change in A to be it.")],
    prometheus_version: Annotated[
        str, typer.Option(metavar="VERSION", help="The oldest Prometheus that must take the rules.")
    ] = "2.42",
    http_config: HttpConfigFile = None,
    output_format: Report = "text",
) -> None:
    """Shows what differs between two sets of rules, rule by rule; layout and spelling do not count.

    Exit 0: the same rules, 1: others, 2: it could not be told.

    \b
    Example:
      tocsin rules diff rules-old/ rules/
      tocsin rules diff main:rulepacks rulepacks --format markdown
      tocsin rules diff rulepacks/ http://prometheus:9090
    """
    import json

    from generator.delivery.compare import compare
    from generator.delivery.markdown import as_markdown
    from generator.delivery.rows import as_rows
    from generator.delivery.sides import as_alike
    from generator.delivery.wording import Style, as_text, summary

    one, other = _sides((a, b), prometheus_version, http_config)
    found = compare(*as_alike(one, other))
    match output_format:
        case "json":
            typer.echo(json.dumps({"equal": not found, "difference": as_rows(found)}, indent=2, ensure_ascii=False))
        case "markdown":
            typer.echo(as_markdown(found, f"Rules: {a} → {b}"))
        case _:
            if found:
                typer.echo(as_text(found, Style.of(sys.stdout)))
            typer.echo(summary(found))
    raise typer.Exit(int(bool(found)))


def _sides(arguments: Sequence[str], prometheus_version: str, http_config: Path | None) -> list[Side]:
    """Both sides; whatever keeps one from being read ends the command."""
    from generator import version
    from generator.delivery.asking import http_of
    from generator.delivery.sides import side
    from tocsin.errors import InputError, TocsinError
    from tocsin.problem import as_text

    try:
        oldest, http = version.parse(prometheus_version), http_of(http_config)
        sides = [side(argument, oldest, http, TIMEOUT_SECONDS) for argument in arguments]
    except InputError as error:
        problems: Sequence[Problem] = error.problems
    except (TocsinError, ValueError) as error:
        typer.echo(f"tocsin: {error}", err=True)
        raise typer.Exit(TROUBLE) from None
    else:
        problems = [problem for one in sides for problem in one.problems if problem.severity == "error"]
        if not problems:
            return sides
    typer.echo(as_text(problems), err=True)
    raise typer.Exit(TROUBLE)
