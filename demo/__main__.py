"""`python -m demo`: plays the story on real servers, tells it as it happens, and keeps them running until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from pathlib import Path

from demo.healing import healing
from demo.processes import CommandFailed, Died
from demo.show import show_addresses, show_story, tell
from demo.sketch import sketch
from demo.stack import BINARIES, HISTORY, Stack, running_stack
from demo.story import crash, creep


def main() -> int:
    """The exit code: 0 if every step was seen, 1 if one was not, 130 if the story was interrupted."""
    arguments = _arguments()
    try:
        what = {"quick": arguments.quick, "once": arguments.once, "picture": arguments.picture}
        return asyncio.run(demo(arguments.binaries, **what))
    except asyncio.CancelledError:
        tell("stopped; nothing is left running")
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="The whole loop on this machine.")
    parser.add_argument("--once", action="store_true", help="end after the story; exit 1 if a step was not seen")
    parser.add_argument(
        "--binaries",
        type=Path,
        default=BINARIES,
        metavar="DIR",
        help="prometheus and alertmanager; default: %(default)s",
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--quick", action="store_true", help="the short stories: plain rules; no history, no exporter")
    one.add_argument("--picture", type=Path, metavar="FILE.svg", help="draw what happened")
    return parser.parse_args()


async def demo(binaries: Path, *, quick: bool, once: bool, picture: Path | None) -> int:
    """Sets everything up, plays the story and takes everything down."""
    stop = asyncio.current_task()
    assert stop is not None  # asyncio.run made it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.cancel)
    missing = [name for name in ("prometheus", "promtool", "alertmanager") if not (binaries / name).exists()]
    if missing:
        tell(f"{binaries} has no {' and no '.join(missing)}: make tools, or --binaries DIR")
        return 1
    try:
        return await _demo(binaries, quick=quick, once=once, picture=picture)
    except (Died, CommandFailed) as error:
        tell(f"the demo cannot go on: {error}")
        return 1


async def _demo(binaries: Path, *, quick: bool, once: bool, picture: Path | None) -> int:
    shop = "a streaming shop" if quick else "a streaming shop with two weeks of history"
    tell(f"Setting up {shop}, Prometheus, Alertmanager and Tocsin:")
    begun = time.monotonic()
    async with running_stack(binaries, without=HISTORY if quick else (), tell=tell) as stack:
        tell(f"All of it is ready after {time.monotonic() - begun:.0f} s.\n")
        outcomes = await show_story(crash(stack) if quick else creep(stack), stack.check)
        if outcomes[-1].seen and not picture:
            tell("\nNow two faults that Tocsin tries to mend before a person does; one in vain:\n")
            outcomes += await show_story(healing(stack), stack.check)
        if not outcomes[-1].seen:
            last = outcomes[-1]
            tell(f"\nThis step was not seen: {last.step.name} ({last.step.where}). Instead: {last.what}")
            return 1
        tell("\nEvery step was seen at its source.")
        if picture:
            await sketch(stack, outcomes, picture)
            tell(f"{picture} shows it.")
        if not once:
            await keep(stack)
    return 0


async def keep(stack: Stack) -> None:
    """Goes on until Ctrl-C."""
    tell("It goes on until you press Ctrl-C. Look around, or break something:\n")
    show_addresses(stack.urls)
    tell(f"  .venv/bin/tocsin incidents list --all --url {stack.urls['receiver']}")
    tell(f"  curl -X POST {stack.urls['shop']}/faults/failing-gateway        (mend it with -X DELETE)")
    tell(f"  curl -X POST {stack.urls['shop']}/faults/stuck-recommender      (a runbook asks whether it may mend it)\n")
    try:
        await stack.last()
    except asyncio.CancelledError:
        tell("\nStopping.")


if __name__ == "__main__":
    sys.exit(main())
