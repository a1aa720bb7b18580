"""`tocsin exporter backfill`: what would have been published over stored time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def backfill(
    config_file: Annotated[Path, typer.Option("--config.file", readable=False, help="The exporter's configuration.")],
    start: Annotated[str, typer.Option("--start", help="RFC 3339 or Unix seconds.")],
    end: Annotated[str, typer.Option("--end", help="RFC 3339 or Unix seconds.")],
    output: Annotated[Path, typer.Option("--output", "-o", readable=False, help="Where the OpenMetrics go.")],
    queries: Annotated[
        list[str] | None, typer.Option("--query", help="Of this query alone; may be there several times.")
    ] = None,
    every: Annotated[str, typer.Option("--every", help="From scrape to scrape.")] = "1m",
) -> None:
    """Writes what the exporter would have published over stored time, as OpenMetrics for promtool.

    \b
    Example:
      tocsin exporter backfill --config.file exporter.yml --start 2026-01-01T00:00:00Z --end 2026-01-15T00:00:00Z \\
        -o scores.om
      promtool tsdb create-blocks-from openmetrics --max-block-duration=384h scores.om blocks/
    """
    import asyncio

    from exporter.commands import need_numpy

    need_numpy()
    from exporter.backfilling.command import filled, scrapes_between
    from exporter.replaying.asking import seconds, when
    from tocsin import log

    log.configure("error")  # what is left out is told at the end
    scrapes = scrapes_between(when(start), when(end), seconds(every, "every"))
    found = asyncio.run(filled(config_file, scrapes, queries or (), output))
    for warning in found.warnings:
        typer.echo(f"tocsin: warning: {warning}", err=True)
    typer.echo(f"{output}: {found}", err=str(output).startswith("/dev/"))
