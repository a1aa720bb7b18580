"""A desk without a running exporter: the queries of a configuration file, asked of its Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from exporter.assembly import Assembly, workers_of
from exporter.config import ExporterConfig
from exporter.feedback.verdict import Verdict
from exporter.metrics import Metrics
from exporter.replaying.desk import Desk
from exporter.roster import WHOLE
from exporter.servers import Servers
from tocsin.clock import SystemClock
from tocsin.config import load


@asynccontextmanager
async def desk_of(config_file: Path, verdicts: Callable[[], Sequence[Verdict]] | None = None) -> AsyncIterator[Desk]:
    """The desk of a configuration file; `verdicts` are heard.

    Raises:
        InputError: the file cannot be used.
    """
    config = load(config_file, ExporterConfig)
    async with AsyncExitStack() as stack:
        clock, workers = SystemClock(), workers_of(config)
        stack.callback(workers.close)
        prometheus = Servers(stack).asked(config.prometheus)
        yield Desk(
            lambda: [(query, prometheus) for query in WHOLE.part_of(config.every_query)],
            Assembly(Metrics(), clock, workers, verdicts=verdicts).model,
            clock,
        )
