"""The real servers, wired to one another on free ports in a folder that vanishes with them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

import aiohttp

from demo.processes import TOCSIN, Process, free_port, run, running
from demo.sinks import Sink, mail_sink, webhook_sink
from demo.target import Shop, open_shop

HERE = Path(__file__).parent
ROOT = HERE.parent
BINARIES = ROOT / ".tools/bin"
ESCALATE_AFTER_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Stack:
    """All that runs, and how to reach it."""

    http: aiohttp.ClientSession
    shop: Shop
    mail: Sink
    hook: Sink
    second: Sink
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

    def logs(self) -> str:
        """All that the programs have said."""
        return "\n".join(process.log.read_text(encoding="utf-8") for process in self.processes)


@asynccontextmanager
async def running_stack(
    binaries: Path = BINARIES, *, escalate_after_seconds: int = ESCALATE_AFTER_SECONDS
) -> AsyncIterator[Stack]:
    """Prometheus, Alertmanager, the receiver, a shop and the sinks, ready, for the length of a block.

    Raises:
        Died: one of the programs did not start.
        CommandFailed: the rules could not be built.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tocsin-demo-")))
        http = await stack.enter_async_context(_client())
        shop = await stack.enter_async_context(open_shop())
        mail = await stack.enter_async_context(mail_sink("mail"))
        hook = await stack.enter_async_context(webhook_sink("hook"))
        second = await stack.enter_async_context(webhook_sink("second"))
        servers = {name: f"127.0.0.1:{free_port()}" for name in ("prometheus", "alertmanager", "receiver")}
        addresses = servers | {"shop": shop.address, "mail": mail.address, "hook": hook.address}
        addresses["second"] = second.address
        _configure(folder, addresses | {"escalate_after": str(escalate_after_seconds)})
        await run(TOCSIN, "rules", "build", HERE / "rulepack", "-o", folder / "rules")
        commands = _commands(binaries, folder, servers)
        processes = [await stack.enter_async_context(running(name, commands[name], folder)) for name in servers]
        for process in processes:
            await process.ready(http, f"http://{servers[process.name]}/-/ready")
        yield Stack(
            http=http,
            shop=shop,
            mail=mail,
            hook=hook,
            second=second,
            urls={name: f"{'smtp' if name == 'mail' else 'http'}://{address}" for name, address in addresses.items()},
            processes=tuple(processes),
            escalate_after_seconds=escalate_after_seconds,
        )


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))


def _configure(folder: Path, values: Mapping[str, str]) -> None:
    """Writes each file of config/ with the addresses filled in."""
    for template in (HERE / "config").glob("*.yml"):
        (folder / template.name).write_text(Template(template.read_text(encoding="utf-8")).substitute(values))


def _commands(binaries: Path, folder: Path, servers: Mapping[str, str]) -> dict[str, list[str]]:
    """How each server is started; flags that Prometheus 2.42 and Alertmanager 0.25 know as well as today's."""
    return {
        "prometheus": [
            f"{binaries / 'prometheus'}",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={servers['prometheus']}",
            # Alerts are sent at once when they change. An alert that is not said again within four delays counts as
            # resolved, so that a shorter one would make a busy machine look like a recovery.
            "--rules.alert.resend-delay=5s",
        ],
        "alertmanager": [
            f"{binaries / 'alertmanager'}",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={servers['alertmanager']}",
            "--cluster.listen-address=",
        ],
        "receiver": [
            TOCSIN,
            "receiver",
            "run",
            f"--config.file={folder / 'receiver.yml'}",
            f"--storage.path={folder / 'receiver'}",
            f"--web.listen-address={servers['receiver']}",
        ],
    }
