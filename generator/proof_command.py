"""`tocsin rules test`. What it needs is imported when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from generator.proof.verdict import Report

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH", readable=False, help="Rulepacks, tenants, rule files, promtool's test files, folders."
    ),
]
Format = Annotated[Literal["text", "json", "junit"], typer.Option("--format", help="How it is printed.")]


def prove(
    paths: Paths,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", metavar="NAME", help="Only this alert or record; may be repeated.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Keeps the proofs: rule files and promtool's tests.")
    ] = None,
    min_coverage: Annotated[
        float, typer.Option(metavar="PERCENT", min=0, max=100, help="Fails if fewer of the alerts are proven.")
    ] = 0,
    promtool: Annotated[str, typer.Option(metavar="PATH", help="The promtool to run; else PATH's.")] = "",
    interval: Annotated[
        str, typer.Option("--evaluation-interval", metavar="DURATION", help="Of groups that have none.")
    ] = "1m",
    timeout: Annotated[str, typer.Option(metavar="DURATION", help="How long promtool may take for one test.")] = "2m",
    output_format: Format = "text",
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Shows the rules that are proven, too.")] = False,
) -> None:
    """Proves rules by promtool: series that make each fire, series that just do not, and the tests people wrote.

    \b
    Example:
      tocsin rules test rulepacks/
      tocsin rules test rules/*.yml tests/ --min-coverage 80
      tocsin rules test rulepacks/node --rule NodeCpuSaturated --verbose
      tocsin rules test rulepacks/ tenants/ --write proofs/ --format junit > rules.xml
    """
    from generator.proof.promtool import find
    from generator.proof.run import Options, tested

    every, limit = _duration(interval, "--evaluation-interval"), _duration(timeout, "--timeout")
    options = Options(find(promtool, limit), every, frozenset(rule or ()), keep=write is not None)
    report = tested(paths, options, _progress())
    _show(report, output_format, verbose=verbose)
    if write is not None:
        _keep(report, write)
    raise typer.Exit(int(_failed(report, min_coverage)))


def _duration(text: str, option: str) -> timedelta:
    from tocsin import duration

    try:
        length = duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if not length:
        raise typer.BadParameter("holds no time; write 1m", param_hint=option)
    return length


def _progress() -> Callable[[int, int], None]:
    """A line on a terminal's stderr; elsewhere nothing."""
    shown = sys.stderr.isatty()

    def progress(done: int, total: int) -> None:
        if shown and total:
            end = "\r" + " " * 40 + "\r" if done == total else ""
            sys.stderr.write(f"\rtested {done:,} of {total:,} rules{end}")
            sys.stderr.flush()

    return progress


def _show(report: Report, output_format: str, *, verbose: bool) -> None:
    from generator.proof.junit import as_junit
    from generator.proof.report import as_json, as_text
    from tocsin.problem import as_text as problems_as_text

    if output_format == "text" and report.problems:
        typer.echo(problems_as_text(report.problems), err=True)
    formats: dict[str, Callable[[], str]] = {
        "text": lambda: as_text(report, verbose=verbose),
        "json": lambda: as_json(report),
        "junit": lambda: as_junit(report),
    }
    typer.echo(formats[output_format]())


def _keep(report: Report, folder: Path) -> None:
    from generator.proof.keeping import keep

    written = keep(report, folder)
    unchanged = f" ({len(written.unchanged):,} unchanged)" if written.unchanged else ""
    typer.echo(f"wrote {len(written.written):,} files to {folder}/{unchanged}", err=True)
    for path in written.stale:
        typer.echo(f"{path}: left from an earlier run; no proof makes it any more: delete it", err=True)


def _failed(report: Report, min_coverage: float) -> bool:
    from tocsin.problem import has_errors

    covered = 100.0 if report.coverage is None else report.coverage
    if covered < min_coverage:
        typer.echo(f"coverage {covered:.1f} % is below {min_coverage:g} %", err=True)
    return report.failed or has_errors(report.problems) or covered < min_coverage
