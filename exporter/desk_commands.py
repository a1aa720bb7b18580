"""`tocsin exporter plot`, `explain` and `backtest`: questions about series, here or of a running exporter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlencode

import typer

from tocsin.errors import UsageError
from tocsin.options import Output

ConfigFile = Annotated[
    Path | None, typer.Option("--config.file", readable=False, help="The exporter's configuration, to ask Prometheus.")
]
Url = Annotated[str | None, typer.Option("--url", help="A running exporter that is asked instead.")]
Query = Annotated[str, typer.Option("--query", help="The query's name; needed where there are several.")]
LabelTexts = Annotated[list[str] | None, typer.Option("--labels", help='Which series: shop=a, or shop="a",job=~"b.*".')]
Storage = Annotated[
    Path | None, typer.Option("--storage.path", readable=False, help="The exporter's storage: its feedback is heard.")
]
Since = Annotated[str, typer.Option("--since", help="How long a time: 2d, 1h30m.")]
Until = Annotated[str, typer.Option("--until", help="Its end: RFC 3339 or Unix seconds. Default: now.")]

ANSWER_SECONDS = 300.0


def plot(
    output: Annotated[Path, typer.Option("--output", "-o", readable=False, help="F.svg or F.png.")],
    config_file: ConfigFile = None,
    url: Url = None,
    query: Query = "",
    labels: LabelTexts = None,
    since: Since = "2d",
    until: Until = "",
    storage: Storage = None,
) -> None:
    """Draws up to four series: values, what was expected, what was anomalous, what is missing, what comes next.

    \b
    Example:
      tocsin exporter plot --config.file exporter.yml --query player_latency --labels region=eu -o eu.svg
    """
    kind = output.suffix.removeprefix(".").lower()
    if kind not in ("svg", "png"):
        raise UsageError(f"-o {output}: name a file that ends in .svg or .png")
    if from_running(config_file, url):
        found = fetched(url, "/plot", query, labels, {"since": since, "until": until, "format": kind})
    else:
        found = _drawn(config_file, query, labels or [], since, until, storage, kind)
    written(output, found)


def _drawn(
    config_file: Path | None, query: str, labels: list[str], since: str, until: str, storage: Path | None, kind: str
) -> bytes:
    import asyncio

    from exporter.commands import need_numpy

    need_numpy()
    from exporter.feedback.book import Book
    from exporter.plotting.plot import plot
    from exporter.replaying.asking import Ask
    from exporter.replaying.offline import desk_of

    async def draw() -> bytes:
        assert config_file is not None
        async with desk_of(config_file, Book(storage).verdicts if storage else None) as desk:
            ask = Ask.of(query=query, labels=labels, since=since, until=until)
            return await plot(desk, ask, "png" if kind == "png" else "svg")

    return asyncio.run(draw())


def backtest(
    config_file: Annotated[Path, typer.Option("--config.file", readable=False, help="The exporter's configuration.")],
    query: Query = "",
    labels: LabelTexts = None,
    since: Since = "14d",
    until: Until = "",
    storage: Storage = None,
    output_format: Annotated[
        Literal["text", "json", "html"], typer.Option("--format", help="How it is told.")
    ] = "text",
    output: Annotated[Path | None, typer.Option("--output", "-o", readable=False, help="Into a file.")] = None,
) -> None:
    """Tells what the model would have reported over stored history, and how good its forecasts would have been.

    \b
    Example:
      tocsin exporter backtest --config.file exporter.yml --query player_latency --format html -o report.html
    """
    import asyncio

    from exporter.commands import need_numpy

    need_numpy()
    from exporter.backtesting.command import told
    from exporter.replaying.asking import Ask

    ask = Ask.of(query=query, labels=labels or [], since=since, until=until)
    found = asyncio.run(told(config_file, ask, output_format, storage))
    if output is None:
        typer.echo(found, nl=False)
    else:
        written(output, found.encode())


def explain(
    config_file: ConfigFile = None,
    url: Url = None,
    query: Query = "",
    labels: LabelTexts = None,
    at: Annotated[str, typer.Option("--at", help="The point: RFC 3339 or Unix seconds. Default: the newest.")] = "",
    storage: Storage = None,
    output: Output = "text",
) -> None:
    """Tells why a point scored as it did: what was expected and why, which evidence counted, what people said.

    \b
    Example:
      tocsin exporter explain --url http://127.0.0.1:9096 --query player_latency --labels region=eu
    """
    if from_running(config_file, url):
        found = fetched(url, "/api/v1/explain", query, labels, {"at": at, "format": output}).decode()
        typer.echo(found if output == "text" else json.dumps(json.loads(found), indent=2, ensure_ascii=False))
        return
    import asyncio

    from exporter.commands import need_numpy

    need_numpy()
    from exporter.explaining.explain import explain
    from exporter.explaining.words import words
    from exporter.feedback.book import Book
    from exporter.replaying.asking import Ask
    from exporter.replaying.offline import desk_of

    async def told() -> str:
        assert config_file is not None
        verdicts = Book(storage).verdicts if storage else tuple
        async with desk_of(config_file, verdicts) as desk:
            found = await explain(desk, Ask.of(query=query, labels=labels or [], until=at), verdicts())
            if output == "json":
                return json.dumps(found, indent=2, ensure_ascii=False)
            return words(found, desk.source(query)[0].time_zone)

    typer.echo(asyncio.run(told()))


def from_running(config_file: Path | None, url: str | None) -> bool:
    """Whether a running exporter is asked; else the configuration's Prometheus.

    Raises:
        UsageError: not exactly one of both is named.
    """
    if (config_file is None) is (url is None):
        raise UsageError("name one of --config.file (asks Prometheus) and --url (asks a running exporter)")
    return url is not None


def fetched(url: str | None, path: str, query: str, labels: list[str] | None, others: Mapping[str, str]) -> bytes:
    """What a running exporter answers."""
    from tocsin.client import Client

    pairs = [("query", query), *(("labels", text) for text in labels or ()), *others.items()]
    asked = urlencode([(name, value) for name, value in pairs if value])
    client = Client.from_environment(url, server="exporter")
    return client.content("GET", f"{path}?{asked}", timeout_seconds=ANSWER_SECONDS)


def written(file: Path, content: bytes) -> None:
    """Writes a file that appears whole or not at all.

    Raises:
        TocsinError: it cannot be written.
    """
    from tocsin.errors import TocsinError
    from tocsin.files import replacing_bytes

    try:
        with replacing_bytes(file) as stream:
            stream.write(content)
    except OSError as error:
        raise TocsinError(f"{file}: cannot be written: {error.strerror}") from error
