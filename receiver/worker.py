"""A process that runs steps of runbooks and nothing else: it alone opens the credentials that they need."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web

from receiver.claims import Claims
from receiver.config import ReceiverConfig
from receiver.engine.onset import Holds
from receiver.engine.pipeline import Rules
from receiver.metrics import Metrics
from receiver.prepared import Prepared, rules_of
from receiver.store.clock import DatabaseClock
from receiver.store.jobs import REMEDIATION_LANE
from receiver.store.ledger import Ledger
from receiver.web.operations import Lifecycle
from receiver.web.worker import WorkerOperations
from receiver.working import Working
from tocsin import __version__
from tocsin.clock import SystemClock
from tocsin.config import load
from tocsin.errors import UsageError
from tocsin.guard import Guard
from tocsin.reload import Reloader
from tocsin.serving import Listen, on_hangup, only_known, serve, stop_asked

log = structlog.get_logger("receiver.worker")

KINDS = frozenset({REMEDIATION_LANE})


async def run(
    config: ReceiverConfig,
    listen: Listen,
    storage: Path,
    *,
    kinds: frozenset[str] = KINDS,
    config_file: Path | None = None,
    guard: Guard | None = None,
    lifecycle: bool = False,
) -> None:
    """Works until SIGTERM or SIGINT; SIGHUP reads `config_file` again, and so does `/-/reload` if enabled.

    Raises:
        UsageError: the store is not one that several processes share, or nothing is to be done.
        TocsinError: the store cannot be reached, a credential not be read, or the address is taken.
    """
    _check(config)
    guard, metrics, stopping = guard or Guard(), Metrics(), stop_asked()
    metrics.built(__version__)
    only_known(listen, asks=guard.config.asks, way_out="basic_auth_users or client certificates in --web.config.file")
    guard.must_ask = not listen.loopback
    async with AsyncExitStack() as stack:
        database = await config.database.open(storage)
        stack.push_async_callback(database.close)
        clock = DatabaseClock(database, SystemClock())
        await clock.set()
        prepared = Prepared.for_worker(config)
        working = await Working.build(
            database,
            prepared,
            _rules(prepared),
            ledger=Ledger(database),
            metrics=metrics,
            clock=clock,
            lanes=kinds.__contains__,
        )
        stack.push_async_callback(working.close)

        async def take(prepared: Prepared) -> None:
            await working.take(prepared, _rules(prepared))

        def again() -> Prepared:
            return Prepared.for_worker(load(config_file, ReceiverConfig) if config_file else config)

        reloader = Reloader(again, take, registry=metrics.registry, clock=clock)
        on_hangup(reloader.reload_soon)
        life = Lifecycle(reload=reloader.reload if lifecycle else None)
        operations = WorkerOperations(working.remediating.runs.stopped, metrics, life)
        server = web.AppRunner(operations.application(guard), access_log=None)
        address = await serve(server, listen, guard.ssl_context())
        stack.push_async_callback(server.cleanup)
        parts: tuple[Any, ...] = (working.runner, Claims(working.jobs), clock)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part.run()) for part in parts]
            log.info("at work", kinds=" ".join(sorted(kinds)), address=address, store=database.where)
            await stopping.wait()
            life.stopping = True
            log.info("stopping: what has begun may end")
            for task in running:
                task.cancel()
    log.info("stopped")


def _check(config: ReceiverConfig) -> None:
    if not config.database.is_postgresql:
        raise UsageError(
            "a worker of its own needs a store that processes share: set database.url (or url_file) to a PostgreSQL; "
            "with the embedded store the receiver itself runs steps"
        )
    if config.remediation is None:
        raise UsageError("there is nothing to do: the configuration has no `remediation`")


def _rules(prepared: Prepared) -> Rules:
    """Whom incidents are for; when trouble began is the receiver's business, so no rule file is read."""
    return rules_of(prepared.config, Holds())
