"""The receiver as a process: it serves until it is told to stop, and reads its configuration again when asked."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from receiver import interpreter
from receiver.app import Receiver
from receiver.config import ReceiverConfig
from receiver.listening import Outside
from receiver.prepared import Prepared
from receiver.store.clock import DatabaseClock
from tocsin import __version__
from tocsin.clock import SystemClock
from tocsin.config import load
from tocsin.door import DoorRunner
from tocsin.guard import Guard
from tocsin.reload import Reloader
from tocsin.serving import Listen, on_hangup, serve, stop_asked, stop_listening
from tocsin.telemetry import traces

LINGERING_SECONDS = 1.0  # a body that was sent away is read on for so long, so that its sender sees why
READ_AHEAD_BYTES = 64 * 1024  # each connection may hold twice as much that nobody has asked for yet
REQUESTS_END_SECONDS = 5.0  # for those that have begun when the receiver stops; their bodies are committed, too

log = structlog.get_logger("receiver")


async def run(
    config: ReceiverConfig,
    listen: Listen,
    storage: Path,
    *,
    config_file: Path | None = None,
    guard: Guard | None = None,
    lifecycle: bool = False,
) -> None:
    """Runs a receiver until SIGTERM or SIGINT; SIGHUP reads `config_file` again, and so does `/-/reload` if enabled.

    Raises:
        UsageError: other machines would reach what asks nobody.
        TocsinError: the store cannot be opened, or the address is taken.
    """
    guard = guard or Guard()
    outside = Outside(listen, guard)
    outside.taken(outside.checked(config))
    stopping = stop_asked()
    interpreter.give_back_what_is_freed()
    async with AsyncExitStack() as stack:
        database = await config.database.open(storage)
        stack.push_async_callback(database.close)
        clock = DatabaseClock(database, SystemClock())
        await clock.set()
        prepared = Prepared.of(config)
        receiver = await Receiver.build(database, prepared, clock, guard)
        stack.push_async_callback(receiver.inbox.close)
        recorded = traces("tocsin-receiver", config.tracing, os.environ)
        stack.push_async_callback(asyncio.to_thread, recorded.close)
        stack.push_async_callback(receiver.close)
        receiver.trace(recorded)
        receiver.doors.access.only_tokens = outside.only_tokens

        async def take(prepared: Prepared) -> None:
            await receiver.take(prepared)
            outside.taken(prepared.config)

        reloader = Reloader(
            lambda: Prepared.of(
                outside.checked(load(config_file, ReceiverConfig) if config_file else config), again=True
            ),
            take,
            registry=receiver.metrics.registry,
            clock=clock,
        )
        receiver.doors.lifecycle.reload = reloader.reload if lifecycle else None
        on_hangup(reloader.reload_soon)
        server = DoorRunner(
            receiver.doors.application,
            receiver.doors.connections,
            access_log=None,
            shutdown_timeout=REQUESTS_END_SECONDS,
            lingering_time=LINGERING_SECONDS,
            read_bufsize=READ_AHEAD_BYTES,
        )
        address = await serve(server, listen, guard.ssl_context())
        interpreter.prepare()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(part.run()) for part in (*receiver.parts, clock)]
            try:
                _greet(config, address, database.where, receiver.inbox.depth)
                _warn(config)
                await stopping.wait()
                receiver.doors.lifecycle.stopping = True
                log.info("stopping: no more connections are taken, what has begun may end")
                await stop_listening(server)
                await receiver.doors.uploads.ended(within_seconds=REQUESTS_END_SECONDS)
            finally:
                await server.cleanup()
                for task in running:
                    task.cancel()
    log.info("stopped")


def _greet(config: ReceiverConfig, address: str, store: str, waiting: int) -> None:
    log.info("listening", address=address, store=store, version=__version__, bodies_waiting=waiting)


def _warn(config: ReceiverConfig) -> None:
    if not config.tells_somebody:
        log.warning("no escalation is configured: incidents are opened and listed, but nobody is told")
