"""The real servers, wired to one another on free ports in a folder that vanishes with them."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import aiohttp

from demo.compose import ROOT, Here, Service, services
from demo.processes import TOCSIN, Process, run, running

BINARIES = ROOT / ".tools/bin"
ESCALATE_AFTER_SECONDS = 8
READY_SECONDS = 180.0  # the exporter reads two weeks first, on a busy machine slowly
PORTS = MappingProxyType(
    {"prometheus": 9090, "alertmanager": 9093, "receiver": 9095, "exporter": 9096, "shop": 8000, "sinks": 8026}
)

# What a story about the receiver alone does without.
HISTORY = frozenset({"past", "blocks", "exporter"})

# A story is about one rule. Others of the packs would tell of its fault, too, sooner or later as the machine is busy.
PACKS_OF_STORIES = "prometheus-stack"  # its Watchdog is the heartbeat that the receiver waits for
SCORED_IN_STORIES = "http"  # all packs' queries take the exporter two minutes to learn


class Tell(Protocol):
    def __call__(self, text: str, end: str = "\n") -> None: ...


def _nothing(text: str, end: str = "\n") -> None:
    """Tells nobody."""


@dataclass(frozen=True, slots=True)
class Stack:
    """All that runs, and how to reach it."""

    http: aiohttp.ClientSession
    urls: Mapping[str, str]
    processes: tuple[Process, ...]
    escalate_after_seconds: int

    def check(self) -> None:
        """Raises Died if one of the programs has ended."""
        for process in self.processes:
            process.check()

    async def last(self) -> None:
        """Returns never; raises Died when one of the programs ends."""
        while True:
            self.check()
            await asyncio.sleep(0.5)


@asynccontextmanager
async def running_stack(
    binaries: Path = BINARIES,
    *,
    without: Iterable[str] = (),
    more: Mapping[str, Sequence[str]] = MappingProxyType({}),
    all_packs: bool = False,
    escalate_after_seconds: int = ESCALATE_AFTER_SECONDS,
    tell: Tell = _nothing,
) -> AsyncIterator[Stack]:
    """The services of docker-compose.yml that have a program here, ready, for the length of a block.

    `more` are words at the end of a service's command line; `all_packs` loads all packs that ship, and what they ask
    the exporter.

    Raises:
        Died: one of the programs did not start.
        CommandFailed: what is done once could not be done.
    """
    everything = services()
    skipped = set(without)
    more = more if all_packs else {**more, "packs": ("--only", PACKS_OF_STORIES)}
    scored = "*" if all_packs else SCORED_IN_STORIES
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-")))
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)))
        here = Here(folder, everything)
        processes: list[Process] = []
        for service in everything:
            argv = None if service.name in skipped else _argv(service, binaries)
            if argv is None:
                continue
            tell(f"  {service.name:<13} ", end="")
            begun = time.monotonic()
            command = here.command(service, (*argv, *more.get(service.name, ())))
            asked = {"ESCALATE_AFTER": f"{escalate_after_seconds}s", "PACKS_SCORED": scored}
            environment = {**service.environment, **asked}
            said = ""
            if service.once:
                said = await run(*command, environment=environment)
            else:
                process = await stack.enter_async_context(running(service.name, command, folder, environment))
                await process.ready(http, here.ready_url(service), within_seconds=READY_SECONDS)
                processes.append(process)
            tell(f"{_outcome(service, said)} ({time.monotonic() - begun:.1f} s)")
        yield Stack(
            http=http,
            urls={name: f"http://{here.address(name, port)}" for name, port in PORTS.items() if name not in skipped},
            processes=tuple(processes),
            escalate_after_seconds=escalate_after_seconds,
        )


def _outcome(service: Service, said: str) -> str:
    """What it said last, or what became of it."""
    if said:
        return said.splitlines()[-1]
    return "done" if service.once else "ready"


def _argv(service: Service, binaries: Path) -> tuple[str, ...] | None:
    """What the image would run, as a program of this machine; None if there is none."""
    match service.image:
        case "tocsin":
            return (TOCSIN, *service.argv)
        case "tocsin-demo":
            return (sys.executable, "-m", *service.argv)
        case "prom/prometheus" | "prom/alertmanager":
            return (str(binaries / service.argv[0]), *service.argv[1:])
    return None
