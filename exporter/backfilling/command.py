"""`tocsin exporter backfill`: which queries, which time, into which file."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from exporter.assembly import Assembly
from exporter.backfilling import openmetrics
from exporter.backfilling.openmetrics import Scrapes, Written
from exporter.backfilling.run import Playing, backfill
from exporter.backfilling.sheet import Sheet
from exporter.config import ExporterConfig, QuerySettings
from exporter.fitting import Here
from exporter.metrics import Metrics
from exporter.progress import StageLine
from exporter.replaying.asking import show_time
from exporter.roster import WHOLE
from exporter.servers import Servers
from tocsin.clock import SystemClock
from tocsin.config import load
from tocsin.errors import TocsinError, UsageError
from tocsin.files import replacing_bytes
from tocsin.promapi import QueryError

MOST_SCRAPES = 2_000_000


@dataclass(slots=True)
class Filled:
    """What was written, and what people should know of it."""

    written: Written
    scrapes: Scrapes
    queries: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        written, queries = self.written, len(self.queries)
        return (
            f"{written.samples:,} samples of {written.series:,} series"
            f" from {queries} {'query' if queries == 1 else 'queries'},"
            f" {show_time(self.scrapes.first)} to {show_time(self.scrapes.last)}"
        )


def scrapes_between(start: float, end: float, every_seconds: float) -> Scrapes:
    """The scrapes of a time, at whole multiples of the distance.

    Raises:
        UsageError: there is none, or too many.
    """
    if every_seconds % 1:
        raise UsageError("--every: write whole seconds: 15s, 1m")
    every = int(every_seconds)
    first = math.ceil(start / every) * every
    count = math.floor((end - first) / every) + 1
    if count < 1:
        raise UsageError(f"--end is not after --start, or there is no multiple of --every ({every} s) between them")
    if count > MOST_SCRAPES:
        raise UsageError(f"{count:,} scrapes are too many; write a shorter time, or --every further apart")
    return Scrapes(first, every, count)


def chosen(queries: Sequence[QuerySettings], names: Sequence[str]) -> Iterator[QuerySettings]:
    """The queries of these names, all where none is named.

    Raises:
        UsageError: there is none of a name.
    """
    for name in names:
        if name not in [query.name for query in queries]:
            raise UsageError(f"there is no query {name!r}; there are {', '.join(query.name for query in queries)}")
    return (query for query in WHOLE.part_of(queries) if not names or query.name in names)


async def filled(config_file: Path, scrapes: Scrapes, names: Sequence[str], output: Path) -> Filled:
    """Writes what the exporter would have published.

    Raises:
        InputError: the configuration cannot be used.
        UsageError: the file is somebody else's, or there is nothing to write.
        QueryError: Prometheus does not answer.
        TocsinError: the file cannot be written.
    """
    config = load(config_file, ExporterConfig)
    queries = list(chosen(config.every_query, names))
    try:
        openmetrics.refuse_others(output)
        return await _filled(config, queries, scrapes, output)
    except OSError as error:
        raise TocsinError(f"{output}: cannot be written: {error.strerror}") from error


async def _filled(config: ExporterConfig, queries: Sequence[QuerySettings], scrapes: Scrapes, output: Path) -> Filled:
    found, sheets, line = Filled(Written(), scrapes), list[Sheet](), StageLine(sys.stderr)
    folder = _beside(output)
    assembly = Assembly(Metrics(), SystemClock(), Here(), measured=False)
    async with AsyncExitStack() as stack:
        prometheus = Servers(stack).asked(config.prometheus)
        for query in queries:
            sheet = stack.enter_context(Sheet(scrapes.count, folder))
            try:
                played = await backfill(assembly.scoring(query), prometheus, scrapes, sheet, line.of(query.name))
            except QueryError as error:
                raise type(error)(f"{query.name}: {error}") from error
            sheets.append(sheet)
            found.queries += [query.name] if played.learned else []
            found.warnings += _told(query.name, played)
        line.end()
        if not found.queries:
            raise UsageError("\n".join(["there is nothing to write", *found.warnings]))
        with replacing_bytes(output) as stream:
            found.written = await asyncio.to_thread(openmetrics.write, stream, sheets, scrapes)
    return found


def _beside(output: Path) -> Path | None:
    """Where there is room for as much as the output is to hold; None where that is no file."""
    return output.parent if output.is_file() or not output.exists() else None


def _told(query: str, played: Playing) -> Iterator[str]:
    """What is not in the file."""
    if played.learned is None:
        yield f"{query}: brings no series in that time"
    for reason, count in sorted(played.left_out.items()):
        if count:
            yield f"{query}: {count} series are left out: {reason} (docs/reference/exporter.md#what-is-left-out)"
