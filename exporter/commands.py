"""`tocsin exporter`. What a command needs is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter import backfill_commands, desk_commands
from exporter.feedback_commands import feedback
from tocsin.cli import group
from tocsin.options import EnableLifecycle, ListenAddress, LogFormat, LogLevel, Output, WebConfigFile

exporter = group("""Score Prometheus's series for anomalies, forecast them, and offer both to Prometheus.

\b
Example:
  tocsin exporter run --config.file exporter.yml
""")

exporter.add_typer(feedback, name="feedback")
for question in (desk_commands.plot, desk_commands.explain, desk_commands.backtest, backfill_commands.backfill):
    exporter.command()(question)


NAME_CALLERS = "--web.config.file with basic_auth_users or client certificates (docs/reference/exporter.md)"


@exporter.command()
def run(
    config_file: Annotated[
        Path, typer.Option("--config.file", readable=False, help="Configuration: where to ask, and what.")
    ],
    address: ListenAddress = "127.0.0.1:9096",
    storage: Annotated[Path, typer.Option("--storage.path", help="Where state lies.")] = Path("data/exporter"),
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="One of N exporters that divide the queries among them.")
    ] = "1/1",
    web_config: WebConfigFile = None,
    lifecycle: EnableLifecycle = False,
    log_level: LogLevel = "info",
    log_format: LogFormat = "logfmt",
) -> None:
    """Runs the exporter until it is told to stop.

    \b
    Example:
      tocsin exporter run --config.file exporter.yml
      tocsin exporter run --config.file exporter.yml --shard 2/3
    """
    need_numpy()
    import uvloop
    from prometheus_client import disable_created_metrics

    from exporter import app
    from exporter.sharding import Shard
    from tocsin import log
    from tocsin.guard import Guard
    from tocsin.serving import Listen, only_known

    listen, share = Listen.parse(address), Shard.parse(shard)
    guard = Guard(web_config)
    only_known(listen, asks=guard.config.asks, way_out=f"give {NAME_CALLERS}")
    guard.must_ask = not listen.loopback
    log.configure(log_level, log_format)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the text format would show a second series for each counter
    uvloop.run(app.run(config_file, listen, storage, guard=guard, lifecycle=lifecycle, shard=share))


@exporter.command()
def rules(
    config_file: Annotated[
        Path, typer.Option("--config.file", readable=False, help="Configuration: which rules, and where to ask.")
    ],
    output: Output = "text",
) -> None:
    """Lists the alert rules: which are forecast, and why the others are not.

    \b
    Example:
      tocsin exporter rules --config.file exporter.yml
    """
    need_numpy()
    import asyncio
    import json

    from exporter.rules import listing
    from tocsin.problem import as_text

    listed = asyncio.run(listing.of_config(config_file))
    typer.echo(json.dumps(listed.as_json(), indent=2) if output == "json" else listed.as_text())
    if listed.problems:
        typer.echo(as_text(listed.problems), err=True)
        raise typer.Exit(1)


@exporter.command()
def score(
    source: Annotated[Path, typer.Option("--input", readable=False, help="CSV with the header timestamp,value.")],
    target: Annotated[Path, typer.Option("--output", help="Where the scored CSV goes.")],
) -> None:
    """Scores a CSV with the model that scores live series: no line depends on a later one.

    \b
    Example:
      tocsin exporter score --input latency.csv --output scored.csv
    """
    need_numpy()
    from exporter.score import score_file

    warning = score_file(source, target)
    if warning:
        typer.echo(f"tocsin: warning: {warning}", err=True)


@exporter.command()
def models(
    names: Annotated[list[str] | None, typer.Argument(help="Which to measure, instead of the usual ones.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="List every model without costs, and what is missing for it.")
    ] = False,
    values: Annotated[int, typer.Option(min=48, help="How long the series is that costs are measured on.")] = 1008,
    output: Output = "text",
) -> None:
    """Lists models for a query's `model:`, with what a fit and an update cost for one series on this machine.

    \b
    Example:
      tocsin exporter models
      tocsin exporter models ThetaForecaster ARIMA --format json
    """
    need_numpy()
    import json

    from exporter.models import listing
    from exporter.models.sktime_names import Refused
    from tocsin.errors import UsageError

    try:
        found = list(listing.listed() if every else listing.measured(names or ("default", *listing.USUAL), values))
    except Refused as refused:
        raise UsageError(f"{refused}: {refused.hint}") from refused
    rows = listing.as_rows(found)
    typer.echo(json.dumps({"models": rows}, indent=2) if output == "json" else listing.as_text(found))


def need_numpy() -> None:
    """Raises MissingExtra where numpy is not installed."""
    from tocsin.errors import MissingExtra

    try:
        import numpy  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise MissingExtra("numpy", "exporter") from error
