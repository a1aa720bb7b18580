"""`tocsin rules graph`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tocsin.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.graph.model import Graph

Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", readable=False, help="Rulepacks, Prometheus rule files, PrometheusRules, folders."),
]


def graph(
    paths: Paths,
    drawn: Annotated[Literal["mermaid", "svg"], typer.Option("--format", help="How it is drawn.")] = "mermaid",
    out: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes; else it is printed.")
    ] = None,
) -> None:
    """Draws which alert rests on which recording rule and metric.

    \b
    Example:
      tocsin rules graph rulepacks/ --format svg -o rules.svg
      tocsin rules graph /etc/prometheus/rules/*.yml
    """
    from generator.graph import mermaid, svg
    from generator.graph.model import graph as of
    from generator.pipeline import compile_packs
    from generator.rulefiles import split
    from generator.targets import rulefile
    from tocsin.problem import as_text, has_errors

    parts = split(paths)
    compiled = compile_packs(parts.packs, rulefile.render) if parts.packs else None
    told = [*parts.problems, *(compiled.problems if compiled else ())]
    errors = [problem for problem in told if problem.severity == "error"]
    if errors:
        typer.echo(as_text(errors), err=True)
    packs = [*(compiled.packs if compiled else ()), *parts.foreign]
    if errors and not packs:
        raise typer.Exit(1)
    draw: Callable[[Graph], str] = {"mermaid": mermaid.draw, "svg": svg.draw}[drawn]
    picture = draw(of([rule for pack in packs for rule in pack.rules]))
    if out is None:
        typer.echo(picture, nl=False)
    else:
        _write(picture, out)
    raise typer.Exit(int(has_errors(errors)))


def _write(picture: str, out: Path) -> None:
    from tocsin.files import replacing

    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with replacing(out) as stream:
            stream.write(picture)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror}; choose another -o") from error
