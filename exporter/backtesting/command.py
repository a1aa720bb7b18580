"""`tocsin exporter backtest`: reads, scores and tells, with its progress on a terminal."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from exporter.backtesting.report import report
from exporter.backtesting.run import backtest
from exporter.feedback.book import Book
from exporter.progress import StageLine
from exporter.replaying.asking import Ask
from exporter.replaying.offline import desk_of


async def told(config_file: Path, ask: Ask, output_format: str, storage: Path | None) -> str:
    """The report in a format: `text`, `json` or `html`.

    Raises:
        InputError: the configuration cannot be used.
        UsageError: the question cannot be answered.
        QueryError: Prometheus brings nothing.
    """
    progress = StageLine(sys.stderr)
    async with desk_of(config_file, Book(storage).verdicts if storage else None) as desk:
        case, tally = await backtest(desk, ask, progress)
    progress.end()
    found = report(case, tally)
    if output_format == "json":
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    if output_format == "html":
        from exporter.backtesting.page import page

        return await asyncio.to_thread(page, case, tally, found)
    from exporter.backtesting.text import text

    return text(case, tally, found)
